"""The verdict on one operator alone: a device's results for the CPU's inputs, against the exact result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from npu_adapt.numerics.arithmetic import Arithmetic
from npu_adapt.numerics.bits import all_same_bits
from npu_adapt.numerics.capture import Call, Kernel
from npu_adapt.numerics.error_bound import ErrorBound
from npu_adapt.numerics.error_statistics import ErrorStatistics, FailedTest, Worst, exact_difference, limits_of
from npu_adapt.numerics.exact import ROUNDOFF, as_real, truths
from npu_adapt.numerics.floors import error_bounds
from npu_adapt.numerics.operators import PLACES, Kind, kind_of
from npu_adapt.numerics.pieces import LARGEST_PIECE, Piece, pieces, sample_of
from npu_adapt.numerics.screening import Sampling, surely_passes

FOLLOWING_SHARE = 0.8  # of a kernel's calls, for its prediction to be held against the others
FOLLOWING_CALLS = 3


@dataclass(frozen=True)
class OperatorReading:
    """What one call showed."""

    index: int
    module: str
    operator: str
    output_shape: tuple[int, ...]
    broken: FailedTest | None  # None: it passed
    relative_l2: float | None = None  # of the error; None: nothing floating was computed, only compared
    relative_floor: float | None = None  # likewise
    over_floor: float | None = None  # the root mean square over its floor; likewise
    precision: str = "float64"  # of the truth
    left: dict[str, FailedTest | None] = field(default_factory=dict)  # form of prediction -> what breaks its residual
    kernel: Kernel = ()  # by which calls are told apart whose predictions need not agree
    sampled: bool = False  # whether the whole is close to the CPU's, and the figures are of a part of it, or none
    is_the_cpus: bool = False  # whether the result has the CPU's own bits


Measures = Iterable[tuple[Piece, str, tuple[ErrorBound | None, ...]]]


def judge(
    call: Call,
    candidates: Sequence[Tensor],
    arithmetic: Arithmetic,
    *,
    sampling: Sampling | None = None,
    largest_piece: int = LARGEST_PIECE,
) -> OperatorReading:
    """The reading of a device's results (on the CPU) for the call's own arguments.

    `arithmetic` is what the operator's class is held to. `sampling` leaves out the figures of most results that pass in
    any case. Operators above `largest_piece` elements are judged in pieces.
    """
    same, computed = all_same_bits(candidates, call.outputs), _is_computed(call)
    sure = same or is_sure(call, candidates, arithmetic, largest_piece)
    if sure and not (computed and (sampling is None or sampling.takes(call))):
        shape = tuple(call.outputs[0].shape)
        return OperatorReading(call.index, call.module, call.operator, shape, None, sampled=computed, is_the_cpus=same)
    reading = judge_by(measures(call, arithmetic, largest_piece, sure=sure), call, candidates)
    return replace(reading, is_the_cpus=True) if same else reading


def is_sure(
    call: Call, candidates: Sequence[Tensor], arithmetic: Arithmetic, largest_piece: int = LARGEST_PIECE
) -> bool:
    """Whether a device's results pass in any case, so that a part of them may be measured for all."""
    return _is_computed(call) and surely_passes(call, candidates, arithmetic, largest_piece)


def measures(call: Call, arithmetic: Arithmetic, largest_piece: int = LARGEST_PIECE, *, sure: bool = False) -> Measures:
    """What the call's results are measured against, piece by piece: (piece, precision of the truth, error_bounds).

    Of results that are `sure` it is one piece, the call itself where it is small.
    """
    if not _is_computed(call):
        return
    for piece in (sample_of(call, largest_piece),) if sure else pieces(call, largest_piece):
        found = truths(piece.call)
        yield piece, found.precision, error_bounds(piece.call, found, arithmetic, is_sure=sure)


def judge_by(measured: Measures, call: Call, candidates: Sequence[Tensor]) -> OperatorReading:
    """As `judge`, by measures that were taken before: on whether its results are sure alone they depend."""
    shape = tuple(call.outputs[0].shape)
    wrong = _unlike(call.outputs, candidates) or _inexact(call, candidates)
    if wrong is not None or not _is_computed(call):
        return OperatorReading(call.index, call.module, call.operator, shape, wrong)
    limits = limits_of(kind_of(call.operator))
    whole, left, precision, sampled = _measured(measured, candidates)
    found = [excess.broken(limits) for excess in whole]
    worst = max(whole, key=lambda excess: excess.rms)
    return OperatorReading(
        call.index,
        call.module,
        call.operator,
        shape,
        max((each for each in found if each is not None), key=lambda each: each.over_floor, default=None),
        relative_l2=worst.relative_l2,
        relative_floor=worst.relative_floor,
        over_floor=worst.rms,
        precision=precision,
        left={form: excess.broken(limits) for form, excess in left.items()},
        kernel=call.kernel,
        sampled=sampled,
    )


def _is_computed(call: Call) -> bool:
    exact = kind_of(call.operator) in (Kind.MOVE, Kind.EXACT)
    return not exact and any(output.is_floating_point() or output.is_complex() for output in call.outputs)


def _unlike(outputs: Sequence[Tensor], candidates: Sequence[Tensor]) -> FailedTest | None:
    """Results of other number, shape or type are no results of this operator."""
    expected = [(tuple(each.shape), each.dtype) for each in outputs]
    if expected == [(tuple(each.shape), each.dtype) for each in candidates]:
        return None
    return FailedTest("exact", math.inf, Worst((), float(len(outputs)), float(len(candidates))))


def _inexact(call: Call, candidates: Sequence[Tensor]) -> FailedTest | None:
    """The first result that must be equal and is not: whole numbers always, floating ones of moves and choices."""
    kind = kind_of(call.operator)
    for reference, candidate in zip(call.outputs, candidates, strict=True):
        if reference.is_floating_point() or reference.is_complex():
            if kind not in (Kind.MOVE, Kind.EXACT):
                continue
        elif call.operator in PLACES and reference.dtype == torch.int64:
            reference, candidate = (_values_at(call, places) for places in (reference, candidate))  # noqa: PLW2901
        one, other = as_real(candidate), as_real(reference)
        broken = exact_difference(one, other, ROUNDOFF.get(other.dtype, 0.0), bits=kind is Kind.MOVE)
        if broken is not None:
            return broken
    return None


def _values_at(call: Call, places: Tensor) -> Tensor:
    """The values that stand at the places which a search gave: any of equal values is as good as the first.

    Places outside of the input, and searches that are written in a way not known here, are compared as they are.
    """
    values = call.inputs[0]
    given = [value for value in (*call.args[1:], call.kwargs.get("dim")) if type(value) is int]
    if call.operator in ("topk", "kthvalue") and list(call.args[1:2]) == given[:1]:
        given = given[1:]
    axis = given[0] if given else None
    if axis is None and places.dim() == 0:
        values, axis, places = values.reshape(-1), 0, places.reshape(1)
    axis = -1 if axis is None else axis
    if places.dim() == values.dim() - 1:
        places = places.unsqueeze(axis)
    if places.dim() != values.dim() or not bool(((places >= 0) & (places < values.shape[axis])).all()):
        return places
    return values.gather(axis, places)


def _measured(
    measured: Measures, candidates: Sequence[Tensor]
) -> tuple[list[ErrorStatistics], dict[str, ErrorStatistics], str, bool]:
    """(of each floating result its excess, of each predicted form what it leaves of them, precision, sampled)."""
    whole: dict[int, ErrorStatistics] = {}
    left: dict[str, ErrorStatistics] = {}
    precision, sampled = "float64", False
    for piece, precision, found in measured:  # noqa: B007 - the last piece's is the call's
        sampled = piece.is_sample
        for position, bound in enumerate(found):
            if bound is None:
                continue
            candidate = as_real(piece.of(candidates[position])).double()
            offset = piece.offset(candidates[position])
            whole.setdefault(position, ErrorStatistics()).add(candidate, bound.truth, bound.floor, offset)
            left |= {form: ErrorStatistics() for form in bound.followed}
            for prediction in bound.predictions:
                excess = left.setdefault(prediction.form, ErrorStatistics())
                excess.add(candidate, prediction.values, prediction.floor, offset, error=prediction.left_of(candidate))
    return list(whole.values()), left, precision, sampled


def differing(first: Sequence[Tensor], second: Sequence[Tensor]) -> FailedTest | None:
    """What differs between two calls with the same arguments: a device that computes repeats itself to the bit."""
    for one, other in zip(first, second, strict=True):
        expected, found = as_real(one), as_real(other)
        broken = exact_difference(found, expected, ROUNDOFF.get(expected.dtype, 0.0), bits=True)
        if broken is not None:
            return FailedTest("repeat", broken.over_floor, broken.worst)
    return None


def left_over(readings: Sequence[OperatorReading]) -> dict[int, FailedTest]:
    """Position among `readings` -> what its residual breaks, for calls that passed all else.

    A prediction is believed where at least `FOLLOWING_SHARE` of one kernel's calls or all but one, and
    `FOLLOWING_CALLS`, follow the same form of it. A device whose kernels take another form follows none, and is not
    judged by it. A call that follows any form is right: of one kernel's calls, one may be computed more exactly than
    the others.
    """
    found: dict[int, FailedTest] = {}
    for kernel in {reading.kernel for reading in readings if reading.left}:
        calls = [(at, reading) for at, reading in enumerate(readings) if reading.kernel == kernel and reading.left]
        forms = {form for _, reading in calls for form in reading.left}
        following = {form: sum(reading.left.get(form) is None for _, reading in calls) for form in forms}
        form = max(following, key=lambda each: following[each])
        others = len(calls) - 1  # of few calls, all but one are less than that share
        if following[form] < max(FOLLOWING_CALLS, min(FOLLOWING_SHARE * len(calls), others)):
            continue
        for at, reading in calls:
            broken = reading.left.get(form)
            follows_another = any(each is None for each in reading.left.values())
            if broken is not None and reading.broken is None and not follows_another:
                found[at] = FailedTest("residual", broken.over_floor, broken.worst)
    return found
