"""What a floating result is measured against: the truth, the floor of its error, what a device may have rounded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from npu_adapt.numerics.exact import half_ulp

SHORTEST_ROW = 16  # elements; shorter rows say too little of the spread of errors, and are joined


@dataclass(frozen=True)
class Prediction:
    """What the arithmetic's device gives in one form of the operator, and the floor of what is then left. Float64.

    `values` are as they are before the last rounding, to `rounded_to`; None: they are not rounded any more.
    """

    form: str
    values: Tensor
    floor: Tensor
    rounded_to: torch.dtype | None = None

    def left_of(self, candidate: Tensor) -> Tensor:
        """The device's error beyond the prediction, float64: none where `values` may round to what it gave."""
        error = candidate - self.values
        if self.rounded_to is None:
            return error
        return error.sign().mul_((error.abs() - half_ulp(candidate, self.rounded_to)).clamp_(min=0.0))


@dataclass(frozen=True)
class ErrorBound:
    """What one floating result is measured against. All of its shape, in float64; floors are above zero."""

    truth: Tensor
    floor: Tensor
    predictions: tuple[Prediction, ...] = ()  # none where neither operands nor results are rounded to a coarser type
    followed: tuple[str, ...] = ()  # forms of predictions that the device is known to follow


def rows(tensor: Tensor) -> Tensor:
    """[rows, elements]: the last axes, as many as make `SHORTEST_ROW` elements."""
    length = 1
    for size in reversed(tensor.shape):
        if length >= SHORTEST_ROW:
            break
        length *= size
    return tensor.reshape(-1, max(1, length))


def row_rms(tensor: Tensor) -> Tensor:
    """Each element replaced by the root mean square of its row."""
    by_row = rows(tensor)
    return means_of(by_row).expand_as(by_row).reshape(tensor.shape)


def gathered_rms(tensor: Tensor) -> Tensor:
    """As `row_rms`, and more in the columns of the last two axes in which the errors of all rows gather.

    Fused attention sums each column of its values by itself: one that is large errs more in every row.
    """
    by_row = row_rms(tensor)
    if tensor.dim() < 2 or tensor.size(-1) < SHORTEST_ROW:
        return by_row
    in_rows = tensor / by_row.clamp(min=torch.finfo(tensor.dtype).tiny)
    gathered = in_rows.square_().mean(-2, keepdim=True).sqrt_().clamp_(min=1.0)
    return by_row * gathered


def means_of(by_row: Tensor) -> Tensor:
    """[rows, 1]: the root mean square of each row."""
    norms: Tensor = torch.linalg.vector_norm(by_row, dim=-1, keepdim=True)
    return norms.div_(math.sqrt(max(1, by_row.size(-1))))
