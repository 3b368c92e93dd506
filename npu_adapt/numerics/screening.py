"""Whether a result is so close to the CPU's that judging it by the truth could not fail it, so that a part may do.

The floor of a result is never below the CPU kernel's own error, which it takes element by element or as the root mean
square of a row. So in any root mean square the CPU is at most one floor off the truth, and a device is at most that one
more than it is off the CPU. What it is off the CPU takes no float64 to know, and no less than `floors` has the floor
for certain. Half types hide the rounding of their results, so there a device is held against the operator in float32.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS, DIRECT, Arithmetic
from npu_adapt.numerics.bits import all_same_bits
from npu_adapt.numerics.capture import Call, Kernel
from npu_adapt.numerics.error_bound import Prediction, row_rms
from npu_adapt.numerics.error_statistics import LIMITS, ErrorStatistics
from npu_adapt.numerics.exact import HALF_TYPES, ROUNDOFF, SMALLEST, double
from npu_adapt.numerics.floors import ROUNDING, SUM_ROUNDOFF, drift_of, in_float32, rounds_last, terms_of_norm
from npu_adapt.numerics.operators import CANCELLING, CORRECTLY_ROUNDED, Kind, kind_of
from npu_adapt.numerics.pieces import LARGEST_PIECE, SAMPLED, pieces
from npu_adapt.numerics.products import read_product

MOST_RMS = LIMITS.rms - 1  # the CPU's own error is the one
MOST_IN_ELEMENT = LIMITS.element / 2  # and in any row; the CPU's own, in one element of a row, has the other half


class Sampling:
    """Which of the calls that pass in any case are measured for their kernel: the first eight, then one in eight."""

    def __init__(self) -> None:
        self._seen: Counter[Kernel] = Counter()

    def takes(self, call: Call) -> bool:
        """Whether this call is one of them; asked once of each call, in the order of execution."""
        kernel = call.kernel
        number = self._seen[kernel]
        self._seen[kernel] += 1
        return number < SAMPLED or number % SAMPLED == 0


def surely_passes(
    call: Call, candidates: Sequence[Tensor], arithmetic: Arithmetic, largest_piece: int = LARGEST_PIECE
) -> bool:
    """Whether a device's results (on the CPU) pass whatever the truth is; False: that is not known.

    `arithmetic` is what the operator's class is held to.
    """
    if all_same_bits(candidates, call.outputs):
        return True
    if len(candidates) != 1 or len(call.outputs) != 1 or not _is_told(call, candidates[0], arithmetic):
        return False
    distance = ErrorStatistics()
    for piece in pieces(call, largest_piece):
        if not _add(distance, piece.call, piece.of(candidates[0]), arithmetic):
            return False
    return distance.rms <= MOST_RMS


def _is_told(call: Call, candidate: Tensor, arithmetic: Arithmetic) -> bool:
    """Whether the least floor is known: operands lose nothing before they are multiplied."""
    output = call.outputs[0]
    if candidate.shape != output.shape or candidate.dtype != output.dtype or kind_of(call.operator) not in _LEAST:
        return False
    if output.dtype in HALF_TYPES:
        return rounds_last(call, arithmetic)
    if kind_of(call.operator) is Kind.PRODUCT and (
        arithmetic.unit_roundoff > SUM_ROUNDOFF or arithmetic.algorithm != DIRECT
    ):
        return False
    return output.dtype == torch.float32


def _add(distance: ErrorStatistics, call: Call, candidate: Tensor, arithmetic: Arithmetic) -> bool:
    """Whether a piece is still close enough, which is added to what is known of the others."""
    wide: Call | None = call
    rounded_to = None
    if candidate.dtype in HALF_TYPES:
        wide, rounded_to = in_float32(call), candidate.dtype
        arithmetic = replace(ARITHMETICS["float32"], truncating_sums=arithmetic.truncating_sums)
    least = None if wide is None else _LEAST[kind_of(call.operator)](wide, arithmetic)
    if wide is None or least is None:
        return False
    known, found = wide.outputs[0].double(), candidate.double()
    left = Prediction("", known, least, rounded_to).left_of(found)
    distance.add(found, known, least, error=left)
    return distance.mismatch is None and distance.element <= MOST_IN_ELEMENT


def _elementwise(call: Call, arithmetic: Arithmetic) -> Tensor:
    own = _own_rounding(call)
    if call.operator not in CANCELLING:
        return own
    argument: Tensor = double(call.inputs[0])
    return torch.maximum(own, argument.abs().mul_(2 * SUM_ROUNDOFF).expand_as(own))


def _sum(call: Call, arithmetic: Arithmetic) -> Tensor:
    return _own_rounding(call)


def _norm(call: Call, arithmetic: Arithmetic) -> Tensor:
    result = double(call.outputs[0])
    lost = SUM_ROUNDOFF * (1 + ROUNDING * math.sqrt(terms_of_norm(call) / 3))
    typical = torch.maximum(result.abs(), row_rms(result)).mul_(lost)
    return torch.maximum(typical, _own_rounding(call))


def _product(call: Call, arithmetic: Arithmetic) -> Tensor | None:
    taken = read_product(call.operator, call.function, call.args, call.kwargs)
    if taken is None:
        return None
    result = call.outputs[0]
    drift = drift_of(double(result), taken.squares(), taken.terms, arithmetic)
    return drift.sqrt_().clamp_(min=SMALLEST[result.dtype])


def _own_rounding(call: Call) -> Tensor:
    """As in `floors`: half an ulp of the result where IEEE 754 demands it, else one."""
    result = call.outputs[0]
    halves = 1 if call.operator in CORRECTLY_ROUNDED else 2
    size: Tensor = double(result).abs()
    return size.mul_(halves * ROUNDOFF[result.dtype]).clamp_(min=SMALLEST[result.dtype])


# The least that the floor of a float32 result can be, float64. None: it is not known.
_LEAST: Mapping[Kind, Callable[[Call, Arithmetic], Tensor | None]] = {
    Kind.ELEMENTWISE: _elementwise,
    Kind.SOFTMAX: _sum,
    Kind.NORM: _norm,
    Kind.SUM: _sum,
    Kind.PRODUCT: _product,
}
