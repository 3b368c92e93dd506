"""The error that a correct device may show in one operator, element by element: the bound of the verdict on it.

The floor of an element is the largest of: the CPU kernel's own error; the error of the same sum in other orders; what
half a unit in the last place (ulp) on the inputs does; rounding to the result's own type; and the rounding of operands
where the device's arithmetic has it. A kernel's errors are measured and smoothed over a row (`row_rms`), since a single
element may be right by luck; what can be said of a single element is said of it, so that a small value beside a large
one has a small floor.

Rounding to a half type hides all that is smaller, but it hides little where it is undone: what is left is how far the
exact result lies outside the numbers that round to the device's, and its floor is that of the same operator in float32.

The other orders are modelled, because computing them takes as long as the operator, or one operation a term. Term after
term, each of n additions rounds the partial sum, by `ROUNDING` of half an ulp in the root mean square. Terms whose
squares add up to s^2 and that themselves add up to y have partial sums of mean square s^2/2 + y^2/3. Sums in parts that
are added at the end have fewer and smaller partial sums, so they err less, by the root of the number of parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS, DIRECT, TERMS_AT_ONCE, TRUNCATION, Arithmetic, ConvolutionShape
from npu_adapt.numerics.attention import attention, roundings
from npu_adapt.numerics.capture import Call
from npu_adapt.numerics.convolution import rms_by_place, shape_of, transformed
from npu_adapt.numerics.error_bound import ErrorBound, Prediction, gathered_rms, means_of, row_rms, rows
from npu_adapt.numerics.exact import HALF_TYPES, ROUNDOFF, SMALLEST, Truths, as_real, attempt, double, single
from npu_adapt.numerics.operators import CANCELLING, COMPOSITES, CORRECTLY_ROUNDED, Kind, kind_of
from npu_adapt.numerics.products import BilinearCall, read_product

SUM_ROUNDOFF = ROUNDOFF[torch.float32]  # every arithmetic sums in float32
ROUNDING = 0.425  # of half an ulp, root mean square, for mantissas spread by Benford's law: sqrt(3 / (8 ln 2) / 3)

ROUNDED_LAST = "rounded last"  # the form of an operator that computes in float32 until it gives a half type

Signs = Callable[[Tensor, int], Tensor]


def error_bounds(
    call: Call, found: Truths, arithmetic: Arithmetic, *, is_sure: bool = False
) -> tuple[ErrorBound | None, ...]:
    """One for each tensor that the call gave; None for one that is not floating.

    `arithmetic` is that of the operator's class. Complex results are judged as pairs of real numbers. `is_sure`: what
    is to be measured was held against the operator in float32 already (`screening`).
    """
    make = _MAKERS.get(kind_of(call.operator), _other)
    is_rounded_last = rounds_last(call, arithmetic)
    wide = in_float32(call) if is_rounded_last and not is_sure else None
    sizes = _Sizes()

    def bound(position: int, output: Tensor) -> ErrorBound:
        truth = _known(found.values[position], output)
        made = make(_Subject(call, position, as_real(output), truth, arithmetic, sizes))
        if is_rounded_last and is_sure:
            return replace(made, followed=(ROUNDED_LAST,))
        if wide is None or output.dtype not in HALF_TYPES:
            return made
        exact = replace(
            ARITHMETICS["float32"], truncating_sums=arithmetic.truncating_sums, algorithm=arithmetic.algorithm
        )
        finer = make(_Subject(wide, position, wide.outputs[position], truth, exact, sizes))
        rounded = Prediction(ROUNDED_LAST, truth, finer.floor, output.dtype)
        return replace(made, predictions=(*made.predictions, rounded))

    return tuple(
        bound(position, output) if output.is_floating_point() or output.is_complex() else None
        for position, output in enumerate(call.outputs)
    )


def rounds_last(call: Call, arithmetic: Arithmetic) -> bool:
    """Whether the operator gives a half type, and is one that computes in float32 until it does."""
    halves = [ROUNDOFF[output.dtype] for output in call.outputs if output.dtype in HALF_TYPES]
    kind = kind_of(call.operator)
    if not halves or kind not in _ROUNDED_LAST:
        return False
    return kind is not Kind.PRODUCT or arithmetic.unit_roundoff <= min(halves)  # else operands lose more before it


def in_float32(call: Call) -> Call | None:
    """The call with its half types widened to float32, and what it then gives; None where there is no kernel for it."""
    results = attempt(call, single)
    return None if results is None else replace(call.with_arguments(single), output=results)


def _known(truth: Tensor, output: Tensor) -> Tensor:
    """The truth in float64, and the CPU's result where either is not finite: there only the kind is compared."""
    exact, shown = as_real(truth).double(), as_real(output)
    if bool((exact.sum() + shown.sum(dtype=torch.float32)).isfinite()):  # one pass each; to look at each takes two
        return exact
    return exact.where(exact.isfinite() & shown.isfinite(), shown.double())


class _Sizes:
    """The squared terms of a product, summed once for the call in its own type and in float32: they are the same."""

    def __init__(self) -> None:
        self._squares: Tensor | None = None

    def of(self, taken: BilinearCall) -> Tensor:
        if self._squares is None:
            self._squares = taken.squares()
        return self._squares


@dataclass(frozen=True)
class _Subject:
    """One floating result, and what its floor is computed from."""

    call: Call
    position: int  # among the call's tensors
    output: Tensor  # the CPU's
    truth: Tensor
    arithmetic: Arithmetic
    sizes: _Sizes

    @property
    def input_roundoff(self) -> float:
        """Of the coarsest floating input, and no coarser than the result's: what gives a finer type computes in it."""
        coarsest = max((ROUNDOFF.get(each.dtype, 0.0) for each in self.call.inputs), default=0.0)
        return min(coarsest or self.roundoff, self.roundoff)

    @property
    def roundoff(self) -> float:
        return ROUNDOFF[self.output.dtype]

    @property
    def rounds_operands(self) -> bool:
        return self.output.dtype != torch.float64 and self.arithmetic.unit_roundoff > SUM_ROUNDOFF

    def own_rounding(self) -> Tensor:
        """Rounding to the result's type: half an ulp where IEEE 754 demands it, else one."""
        halves = 1 if self.call.operator in CORRECTLY_ROUNDED else 2
        return self.truth.abs().mul_(halves * self.roundoff).clamp_(min=SMALLEST[self.output.dtype])

    def kernel_error(self) -> Tensor:
        return _finite(self.output.double() - self.truth)

    def response(self, amplitude: float, signs: Signs) -> Tensor:
        """How the result moves when each floating input moves by `amplitude`, relatively, with the given signs."""
        numbers = iter(range(1 << 30))

        def moved(leaf: Any) -> Any:
            wide = double(leaf)
            if isinstance(leaf, Tensor) and leaf.is_floating_point():
                return wide * (1 + amplitude * signs(wide, next(numbers)))
            return wide

        results = attempt(self.call, moved)
        if results is None:
            return torch.zeros_like(self.truth)
        return _finite(as_real(results[self.position]).double() - self.truth)

    def terms(self) -> int:
        """How many elements each element of the result is made of, at most: 1 where that cannot be told."""
        if self.call.operator.startswith(("cum", "logcum")):
            return max(self.output.shape, default=1)
        largest = max((each.numel() for each in self.call.inputs if each.is_floating_point()), default=1)
        return max(1, largest // max(1, self.output.numel()))


def _finite(error: Tensor) -> Tensor:
    return error.nan_to_num_(0.0, 0.0, 0.0)


def _largest(first: Tensor, *others: Tensor) -> Tensor:
    for other in others:
        first = torch.maximum(first, other)
    return first


def _same_sign(tensor: Tensor, number: int) -> Tensor:
    return torch.ones((), dtype=tensor.dtype)


def _alternating(tensor: Tensor, number: int) -> Tensor:
    return torch.full((), (-1.0) ** number, dtype=tensor.dtype)


def _drawn(tensor: Tensor, number: int) -> Tensor:
    """Independent signs, the same in every run."""
    return _signs(tensor.shape, number).to(tensor.dtype)


@lru_cache(maxsize=8)  # layers of a model are alike, and ask for the same
def _signs(shape: torch.Size, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, shape, generator=generator, dtype=torch.int8).mul_(2).sub_(1)


def _elementwise(subject: _Subject) -> ErrorBound:
    """All of it is said element by element: a mask of -3e38 must not hide what stands beside it."""
    several = sum(each.is_floating_point() for each in subject.call.inputs) > 1
    draws = (_same_sign, _alternating) if several else (_same_sign,)
    moved = [subject.response(subject.input_roundoff, signs).abs_() for signs in draws]
    floor = _largest(subject.own_rounding(), subject.kernel_error().abs_(), *moved)
    if subject.call.operator in CANCELLING:
        argument = as_real(double(subject.call.inputs[0])).abs().mul_(2 * subject.roundoff)
        floor = _largest(floor, argument.expand_as(floor))
    return ErrorBound(subject.truth, floor)


def _other(subject: _Subject) -> ErrorBound:
    """An operator of unknown inside: taken for a sum of its inputs, whose terms each lose what a long sum loses.

    One that multiplies matrices inside rounds their operands as the matrix unit does.
    """
    terms = subject.terms()
    operands = subject.arithmetic.unit_roundoff if subject.call.operator in COMPOSITES else 0.0
    amplitude = max(subject.input_roundoff, operands) + SUM_ROUNDOFF * ROUNDING * math.sqrt(terms / 2)
    moved = [subject.response(amplitude, signs) for signs in (_drawn, _same_sign)]
    own = subject.own_rounding()
    same_signs = subject.truth.abs() * (SUM_ROUNDOFF * ROUNDING * math.sqrt(terms / 3))
    return ErrorBound(subject.truth, _largest(own, same_signs, *map(row_rms, (*moved, subject.kernel_error()))))


def _softmax(subject: _Subject) -> ErrorBound:
    """y (u |x| of its own, of the largest and of the weighted others), the exponential's ulp, and the sum's drift."""
    call, truth = subject.call, subject.truth
    x = double(call.inputs[0])
    axis = _axis(call)
    reach = x.abs().nan_to_num_(0.0, 0.0, 0.0)
    weights = truth.exp() if "log" in call.operator else truth
    reach = reach.where(weights > 0, 0.0)  # what is masked away is -3e38, and has no weight
    others = (weights * reach).sum(axis, keepdim=True)
    largest = reach.gather(axis, weights.argmax(axis, keepdim=True)) if x.dim() else reach
    loss = reach.add_(others).add_(largest).mul_(subject.input_roundoff)
    loss.add_(2 * subject.roundoff + SUM_ROUNDOFF * ROUNDING * math.sqrt(truth.shape[axis] / 3 if x.dim() else 1))
    floor = loss if "log" in call.operator else loss.mul_(truth)
    return ErrorBound(truth, _largest(subject.own_rounding(), subject.kernel_error().abs_(), floor))


def _axis(call: Call) -> int:
    given = call.args[1] if len(call.args) > 1 and isinstance(call.args[1], int) else call.kwargs.get("dim")
    return -1 if given is None else int(given)


def _norm(subject: _Subject) -> ErrorBound:
    """Both sums of a normalisation drift; what they lose moves a whole row at once.

    The variance of values with mean m and spread d loses in relation to m^2 + d^2 where it is computed in one pass.
    """
    call = subject.call
    x = double(call.inputs[0])
    axes, terms = _normalised_axes(call, x), terms_of_norm(call)
    squares, means = x.square().mean(axes, keepdim=True), x.mean(axes, keepdim=True)
    one_pass = squares / (squares - means.square()).clamp_(min=torch.finfo(torch.float64).tiny)
    if "rms" in call.operator:
        one_pass = torch.ones_like(one_pass)
    lost = one_pass.clamp_(max=1e6).mul_(SUM_ROUNDOFF * (1 + ROUNDING * math.sqrt(terms / 3)))
    typical = _largest(subject.truth.abs(), row_rms(subject.truth))
    moved = subject.response(subject.input_roundoff, _drawn)
    measured = map(row_rms, (moved, subject.kernel_error()))
    return ErrorBound(subject.truth, _largest(subject.own_rounding(), typical * lost, *measured))


def terms_of_norm(call: Call) -> int:
    """How many elements a normalisation sums over."""
    x = call.inputs[0]
    return math.prod(x.shape[axis] for axis in _normalised_axes(call, x))


def _normalised_axes(call: Call, x: Tensor) -> tuple[int, ...]:
    if call.operator in ("layer_norm", "rms_norm"):
        shape = call.args[1] if len(call.args) > 1 else call.kwargs["normalized_shape"]
        return tuple(range(x.dim() - len(shape), x.dim()))
    return tuple(range(2, x.dim())) if call.operator == "instance_norm" else tuple(range(1, x.dim()))


def _product(subject: _Subject) -> ErrorBound:
    call = subject.call
    taken = read_product(call.operator, call.function, call.args, call.kwargs)
    if taken is None:
        return _other(subject)
    squares = subject.sizes.of(taken)
    floor = _raised(_summed(subject, taken.terms, squares), subject.kernel_error())
    shape = shape_of(call.operator, call.args, call.kwargs)
    if shape is not None and subject.arithmetic.algorithm != DIRECT:
        error = _error_of_transform(subject, taken, shape)
        by_place = rms_by_place(error, subject.arithmetic.algorithm)
        return ErrorBound(subject.truth, torch.maximum(_raised(floor, error), by_place))
    if not subject.rounds_operands:
        return ErrorBound(subject.truth, floor)
    lost = squares.sqrt().mul_(math.sqrt(2) * ROUNDING * subject.arithmetic.unit_roundoff)
    coarse = torch.maximum(floor, lost)
    in_half = subject.roundoff != SUM_ROUNDOFF
    if in_half and all(subject.arithmetic.holds(operand.dtype) for operand in (taken.left, taken.right)):
        return ErrorBound(subject.truth, coarse)  # operands lose nothing: the prediction is the truth
    predicted = taken.predicted(subject.arithmetic)
    coarse = _raised(coarse, _finite(predicted - subject.truth))
    if in_half:
        return ErrorBound(subject.truth, coarse)
    forms = (Prediction("rounded operands", predicted, floor), Prediction("exact operands", subject.truth, floor))
    return ErrorBound(subject.truth, coarse, forms)


def _error_of_transform(subject: _Subject, taken: BilinearCall, shape: ConvolutionShape) -> Tensor:
    """What the algorithm that the device was found to convolve by loses, in the device's arithmetic."""
    arithmetic = subject.arithmetic
    left, right = taken.left.float(), taken.right.float()
    product = transformed(arithmetic.algorithm, left, right, shape.padding, arithmetic.split)
    return _finite(taken.completed(product, taken.added).double() - subject.truth)


def _summed(subject: _Subject, terms: int, squares: Tensor) -> Tensor:
    """The floor of each element of a sum of products by its terms: own rounding, half an ulp on the inputs, drift.

    `squares` are the sums of squared terms. The drift is that of one term after the other; sums in parts, each of them
    shorter, drift less. With more than a few terms it is the largest of the three everywhere, and the others are left
    out.
    """
    own, inputs = subject.roundoff**2, 2 * ROUNDING**2 * subject.input_roundoff**2
    drifted = _drifted(terms, subject.arithmetic)
    others = [subject.truth.square().mul_(own)] if own > drifted / 3 else []
    others += [squares * inputs] if inputs > drifted / 2 else []
    drift = drift_of(subject.truth, squares, terms, subject.arithmetic)
    return _largest(drift, *others).sqrt_().clamp_(min=SMALLEST[subject.output.dtype])


def drift_of(result: Tensor, squares: Tensor, terms: int, arithmetic: Arithmetic) -> Tensor:
    """The mean square of what the sums of a product lose, one term after the other."""
    drifted = _drifted(terms, arithmetic)
    return result.square().mul_(drifted / 3).add_(squares, alpha=drifted / 2)


def _drifted(terms: int, arithmetic: Arithmetic) -> float:
    drifted = SUM_ROUNDOFF**2 * ROUNDING**2 * terms
    if arithmetic.truncating_sums:  # what is cut off has one sign, so it grows with the terms, not their root
        drifted = max(drifted, (SUM_ROUNDOFF * TRUNCATION * terms / TERMS_AT_ONCE) ** 2)
    return drifted


def _raised(floor: Tensor, error: Tensor) -> Tensor:
    """The floor, at least the root mean square of each row of the error."""
    return torch.maximum(rows(floor), means_of(rows(error))).reshape(floor.shape)


def _attention(subject: _Subject) -> ErrorBound:
    """Two forms are correct: weights divided by their sum before the second product, and after it."""
    taken = attention(subject.call)
    exact, plain = taken.to(torch.float64), taken.to(torch.float32)
    keys, width = taken.key.size(-2), taken.key.size(-1)
    amplitude = subject.input_roundoff + SUM_ROUNDOFF * ROUNDING * math.sqrt(max(width, keys) / 2)
    errors = [subject.kernel_error(), subject.response(amplitude, _drawn)]
    errors += [_finite(plain.result(late_division=late).double() - subject.truth) for late in (False, True)]
    same_signs = subject.truth.abs() * (SUM_ROUNDOFF * ROUNDING * math.sqrt(keys / 3))
    last_bits = _finite(exact.deviation(2 * SUM_ROUNDOFF))  # of scores that are kept in float32 between two operators
    floor = _largest(subject.own_rounding(), same_signs, last_bits, *map(gathered_rms, errors))
    if not subject.rounds_operands:
        return ErrorBound(subject.truth, floor)
    # A weight near a tie is rounded up or down by the last bit of its score: a unit in the last place of the largest
    # weight, at any value, is no error. Taken at an eighth, so that the limits of a row and an element allow a few.
    unit = 2 * subject.arithmetic.unit_roundoff * plain.largest_weight().double() * double(taken.value).abs().max()
    predictions = []
    coarse = floor
    for split, late in roundings(subject.arithmetic):
        predicted = _finite(exact.result(split, late_division=late))
        coarse = _largest(coarse, gathered_rms(predicted - subject.truth))
        flips = plain.result(split, late_division=late).double() - predicted
        left = _largest(floor, (unit / 8).expand_as(floor), row_rms(flips))
        predictions.append(Prediction("divided late" if late else "divided early", predicted, left))
    return ErrorBound(subject.truth, coarse, tuple(predictions) if subject.roundoff == SUM_ROUNDOFF else ())


_MAKERS: dict[Kind, Callable[[_Subject], ErrorBound]] = {
    Kind.ELEMENTWISE: _elementwise,
    Kind.SOFTMAX: _softmax,
    Kind.NORM: _norm,
    Kind.PRODUCT: _product,
    Kind.ATTENTION: _attention,
}
# Fused attention is none of them: it rounds its weights as well.
_ROUNDED_LAST = (Kind.ELEMENTWISE, Kind.SOFTMAX, Kind.NORM, Kind.SUM, Kind.PRODUCT)
