"""One failing operator by itself: its call, what it should have given, what the device gave, and the floor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.capture import Call, capturing
from npu_adapt.numerics.error_bound import ErrorBound
from npu_adapt.numerics.error_statistics import ErrorStatistics, Limits, exact_difference, limits_of
from npu_adapt.numerics.exact import HALF_TYPES, ROUNDOFF, SMALLEST, as_real
from npu_adapt.numerics.judgement import judge, measures
from npu_adapt.numerics.operators import Kind, kind_of
from npu_adapt.numerics.whole_numbers import of_whole_numbers
from npu_adapt.records import OperatorFinding
from npu_adapt.workflows.compare.alone import CPU, SPARSEST_LAYOUT, Replay, arithmetic_of
from npu_adapt.workflows.run.forward import Side

Test = Literal["floors", "residual", "equal", "whole-numbers", "repeat"]
OF_FLOORS = ("rms", "row", "element")
WITHIN = "end-to-end"


@dataclass(frozen=True)
class Case:
    """A call that fails, with everything that a script needs to show it again."""

    finding: OperatorFinding
    call: Call
    test: Test
    position: int  # of the failing result among the call's tensors
    expected: Tensor  # what a right device gives; of a repeat, the first of two
    found: Tensor  # what this device gave when the case was written
    floor: Tensor | None = None  # by element, float64. None: the result must be equal
    wide: torch.dtype | None = None  # in which the CPU computes what is expected. None: the operands' own
    limits: Limits | None = None  # in floors. None: there is no floor
    half_ulp: tuple[float, float] | None = None  # of the result's type: relative to a power of two, and the least
    exact_signs: bool = False  # whether -0 is not 0
    rounded: bool = False  # whether the result need only round to what is expected


def captured(side: Side, tensors: Any, wanted: frozenset[int]) -> dict[int, Call]:
    """The calls of those indices in one forward of `side`, with copies of their tensors on the CPU."""
    found: dict[int, Call] = {}

    def keep(call: Call) -> None:
        if call.index in wanted:
            with torch._C.DisableTorchFunction():
                found[call.index] = replace(call.with_arguments(_kept), output=tree_map(_kept, call.output))

    with torch.inference_mode(), side.context(), capturing(side.module, keep):
        side.task.forward(side.module, tensors)
    return found


def _kept(leaf: Any) -> Any:
    """A copy on the CPU with its layout, unless that has gaps."""
    if not isinstance(leaf, Tensor):
        return leaf
    flat = span_of(leaf)
    if flat is None:
        return leaf.detach().to(CPU, copy=True, memory_format=torch.contiguous_format)
    return torch.as_strided(flat.to(CPU, copy=True), leaf.shape, leaf.stride())


def span_of(tensor: Tensor) -> Tensor | None:
    """The memory that a tensor with a layout of its own lies in, flat; None: it may as well be contiguous."""
    span = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    if tensor.numel() == 0 or tensor.is_contiguous() or span > SPARSEST_LAYOUT * tensor.numel():
        return None
    return torch.as_strided(tensor.detach(), (span,), (1,), tensor.storage_offset())


def case_of(finding: OperatorFinding, call: Call, replay: Replay, arithmetic: ArithmeticByClass) -> Case | None:
    """The case of a finding whose call was captured; None: there is no test that this call fails by itself.

    Of an operator that is wrong within the whole only, the call must hold what the device itself gave it.
    """
    test = finding.test
    if test == WITHIN:
        call = replace(call, output=call.again(lambda leaf: leaf))
        broken = judge(call, replay(call), arithmetic_of(call, arithmetic)).broken
        test = "" if broken is None else broken.test
    make = _MAKERS.get(test)
    return None if make is None else make(finding, call, replay, arithmetic)


def _against_floors(finding: OperatorFinding, call: Call, replay: Replay, arithmetic: ArithmeticByClass) -> Case | None:
    found = replay(call)
    limits = limits_of(kind_of(call.operator))
    worst: Case | None = None
    most = -1.0
    for position, bound, precision in _bounds(call, arithmetic):
        statistics = ErrorStatistics()
        statistics.add(found[position].double(), bound.truth, bound.floor)
        broken = statistics.broken(limits)
        over = 0.0 if broken is None else broken.over_floor
        if over > most:
            most = over
            worst = Case(
                finding,
                call,
                "floors",
                position,
                bound.truth,
                found[position],
                bound.floor,
                wide={"float64": torch.float64, "float32": torch.float32}.get(precision),
                limits=limits,
            )
    return worst


def _bounds(call: Call, arithmetic: ArithmeticByClass) -> Iterator[tuple[int, ErrorBound, str]]:
    """Of each floating result: its position, its bound and the precision of its truth."""
    for _, precision, bounds in measures(call, arithmetic_of(call, arithmetic), _whole(call)):
        for position, bound in enumerate(bounds):
            if bound is not None and not call.outputs[position].is_complex():
                yield position, bound, precision


def _whole(call: Call) -> int:
    """Elements of a piece that takes in the whole call."""
    return max(tensor.numel() for tensor in (*call.inputs, *call.outputs))


def _residual(finding: OperatorFinding, call: Call, replay: Replay, arithmetic: ArithmeticByClass) -> Case | None:
    """The form of prediction whose residual is nearest to what was found."""
    found = replay(call)
    nearest: Case | None = None
    least = float("inf")
    for position, bound, _ in _bounds(call, arithmetic):
        for prediction in bound.predictions:
            candidate = found[position].double()
            statistics = ErrorStatistics()
            statistics.add(candidate, prediction.values, prediction.floor, error=prediction.left_of(candidate))
            broken = statistics.broken(limits_of(kind_of(call.operator)))
            distance = abs((broken.over_floor if broken else 0.0) - (finding.error_over_floor or 0.0))
            if nearest is None or distance < least:
                least = distance
                rounded = prediction.rounded_to
                nearest = Case(
                    finding,
                    call,
                    "residual",
                    position,
                    prediction.values,
                    found[position],
                    prediction.floor,
                    limits=limits_of(kind_of(call.operator)),
                    half_ulp=None if rounded is None else (ROUNDOFF[rounded] / 2, SMALLEST[rounded]),
                )
    return nearest


def _equal(finding: OperatorFinding, call: Call, replay: Replay, arithmetic: ArithmeticByClass) -> Case | None:
    found = replay(call)
    if len(found) != len(call.outputs):
        return None
    signs = kind_of(call.operator) is Kind.MOVE
    unlike = (at for at, result in enumerate(found) if not _same(result, call.outputs[at], signs))
    at = next(unlike, 0)
    floating = call.outputs[at].is_floating_point()
    return Case(finding, call, "equal", at, call.outputs[at], found[at], exact_signs=signs and floating)


def _same(one: Tensor, other: Tensor, signs: bool) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return exact_difference(as_real(one), as_real(other), 0.0, bits=signs) is None


def _of_whole_numbers(
    finding: OperatorFinding, call: Call, replay: Replay, arithmetic: ArithmeticByClass
) -> Case | None:
    whole = of_whole_numbers(call)
    if whole is None:
        return None
    (found,) = replay(whole.call)
    wide = torch.float64 if whole.expected.dtype in (*HALF_TYPES, torch.float32) else None
    return Case(finding, whole.call, "whole-numbers", 0, whole.expected, found, wide=wide, rounded=not whole.to_the_bit)


def _repeat(finding: OperatorFinding, call: Call, replay: Replay, arithmetic: ArithmeticByClass) -> Case | None:
    first, second = replay(call), replay(call)
    unlike = (at for at, result in enumerate(first) if not _same(result, second[at], signs=True))
    at = next(unlike, 0)
    return Case(finding, call, "repeat", at, first[at], second[at])


_MAKERS: dict[str, Callable[[OperatorFinding, Call, Replay, ArithmeticByClass], Case | None]] = {
    **dict.fromkeys(OF_FLOORS, _against_floors),
    "residual": _residual,
    "exact": _equal,
    "whole-numbers": _of_whole_numbers,
    "repeat": _repeat,
}
