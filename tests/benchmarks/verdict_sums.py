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


def _compensated(multiply: Multiply, axes: Axes, left: Tensor, right: Tensor) -> Tensor:
    """Kahan's sum of blocks of eight terms."""
    total = lost = torch.zeros(())
    for one, other in zip(left.split(8, axes[0]), right.split(8, axes[1]), strict=True):
        term = multiply(one, other) - lost
        further = total + term
        total, lost = further, (further - total) - term
    return total


def _products_rounded(multiply: Multiply, axes: Axes, left: Tensor, right: Tensor) -> Tensor:
    """Without a fused multiply-add: each product is rounded before it is added."""
    pairs = zip(left.split(1, axes[0]), right.split(1, axes[1]), strict=True)
    return reduce(torch.add, [multiply(*pair) for pair in pairs])


def _split_in_type(dtype: torch.dtype, multiply: Multiply, axes: Axes, left: Tensor, right: Tensor) -> Tensor:
    """Split sums whose parts are handed on in the model's type, as cuBLAS may."""
    pairs = zip(left.chunk(2, axes[0]), right.chunk(2, axes[1]), strict=True)
    return reduce(torch.add, [multiply(*pair).to(dtype).float() for pair in pairs])


def _accumulated_in_type(dtype: torch.dtype, multiply: Multiply, axes: Axes, left: Tensor, right: Tensor) -> Tensor:
    """Sixteen terms summed in the model's type, one step of four after the other; the blocks in float32."""
    total = torch.zeros(())
    for one, other in zip(left.split(16, axes[0]), right.split(16, axes[1]), strict=True):
        steps = zip(one.split(4, axes[0]), other.split(4, axes[1]), strict=True)
        total = total + reduce(lambda sum_, term: (sum_ + term).to(dtype).float(), [multiply(*step) for step in steps])
    return total


SUMS: Mapping[str, Sum] = {
    "split-k": partial(_split, 4),
    "8 terms at once": partial(_in_steps, 8, Tensor.float),
    "16 terms at once, cut off": partial(_in_steps, 16, cut_off),
    "one after the other, fused": partial(_in_steps, 1, Tensor.float),
    "products rounded first": _products_rounded,
    "Kahan's": _compensated,
}
# In half typed models: what is kept in the model's own type on the way.
IN_TYPE: Mapping[str, Callable[[torch.dtype, Multiply, Axes, Tensor, Tensor], Tensor]] = {
    "split-k, added in the type": _split_in_type,
    "16 terms in the type, then float32": _accumulated_in_type,
}
CUT_OFF = frozenset({"16 terms at once, cut off"})
