"""What quantised weights stand for, and those that were dequantised somewhere beside it: by how many units they differ.

Dequantising is a subtraction of whole numbers and a product for each scale, so a correct device is a unit in the last
place off at the most for two scales, and to the bit for one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
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


def multiplied_out(
    numbers: Tensor, scales: Tensor, zero_points: Tensor | None, block: tuple[int, int], dtype: torch.dtype
) -> Tensor:
    """What [rows, columns] of `numbers` stand for, in float64 and rounded once to `dtype`.

    `scales` and `zero_points` [rows of blocks, columns of blocks] have one value for each block of that many rows and
    columns; the last blocks may be smaller. A zero point is taken off before the scale is multiplied in.
    """
    rows, columns = numbers.shape
    result = torch.empty(rows, columns, dtype=dtype)
    at_once = max(1, PIECE // max(1, columns * block[0]))  # rows of blocks
    for first in range(0, scales.shape[0], at_once):
        some = slice(first * block[0], (first + at_once) * block[0])
        exact = numbers[some].double()
        for grid, combine in ((zero_points, torch.sub), (scales, torch.mul)):
            if grid is not None:
                wide = grid[first : first + at_once].double().repeat_interleave(block[0], 0)
                exact = combine(exact, wide.repeat_interleave(block[1], 1)[: exact.shape[0], :columns])
        result[some] = exact.to(dtype)
    return result


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
