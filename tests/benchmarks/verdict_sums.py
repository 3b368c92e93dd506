"""Sums of products as matrix units take them: split along the terms, several terms in one step, cut off or rounded.

Between the steps a sum is kept in float32. Within a step it is exact: units align what they add, and drop less than
what the step's own rounding drops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce

import torch
from torch import Tensor

from npu_adapt.numerics.products import Axes, Multiply

Sum = Callable[[Multiply, Axes, Tensor, Tensor], Tensor]


def _split(parts: int, multiply: Multiply, axes: Axes, left: Tensor, right: Tensor) -> Tensor:
    """Each part by a worker of its own, in the order of the CPU's kernel; the parts are added at the end."""
    pairs = zip(left.chunk(parts, axes[0]), right.chunk(parts, axes[1]), strict=True)
    return reduce(torch.add, [multiply(*pair) for pair in pairs])


def _in_steps(
    at_once: int, to_float32: Callable[[Tensor], Tensor], multiply: Multiply, axes: Axes, left: Tensor, right: Tensor
) -> Tensor:
    total: Tensor | None = None
    for one, other in zip(left.split(at_once, axes[0]), right.split(at_once, axes[1]), strict=True):
        term = multiply(one.double(), other.double())
        total = to_float32(term if total is None else total.double().add_(term))
    assert total is not None
    return total


def cut_off(exact: Tensor) -> Tensor:
    """Float64 to float32, towards zero."""
    nearest = exact.float()
    return torch.where(nearest.abs() > exact.abs(), nearest.nextafter(torch.zeros_like(nearest)), nearest)


SUMS: Mapping[str, Sum] = {
    "split-k": partial(_split, 4),
    "8 terms at once": partial(_in_steps, 8, Tensor.float),
    "16 terms at once, cut off": partial(_in_steps, 16, cut_off),
}
CUT_OFF = frozenset({"16 terms at once, cut off"})
