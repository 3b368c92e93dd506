"""Weights that were dequantised somewhere, beside the exact ones: how many differ, and by how many units.

Dequantising is a subtraction of whole numbers and a product for each scale, so a correct device is a unit in the last
place off at the most for two scales, and to the bit for one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from npu_adapt.numerics.bits import same_bits
from npu_adapt.numerics.exact import half_ulp

PIECE = 1 << 20  # elements that are looked at together


@dataclass(frozen=True)
class WeightDifference:
    """Of one weight."""

    elements: int
    differing: int
    worst_ulps: float  # in units in the last place of the exact value; infinite: one of the two is not finite


def difference_of(found: Tensor, exact: Tensor) -> WeightDifference:
    """Two tensors of one type; `found` may lie on a device."""
    differing, worst = 0, 0.0
    flat, truths = found.reshape(-1), exact.reshape(-1)
    for start in range(0, truths.numel(), PIECE):
        truth = truths[start : start + PIECE]
        here = flat[start : start + PIECE].to(truth.device)
        if here.dtype == truth.dtype and same_bits(here, truth):
            continue
        one, other = here.double(), truth.double()
        unequal = (one != other) & ~(one.isnan() & other.isnan())
        differing += int(unequal.sum())
        ulps = ((one - other).abs() / (2 * half_ulp(other, truth.dtype))).where(unequal, 0.0)
        largest = float(ulps.nan_to_num(nan=math.inf).max())
        worst = max(worst, largest)
    return WeightDifference(found.numel(), differing, worst)
