"""Tensors as the bits they are: NaN equals itself there, and 0.0 is not -0.0."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def image(tensor: Tensor) -> Tensor:
    """The elements as integers of their size, which is at most eight bytes; a view."""
    return tensor.view(_INTEGERS[tensor.element_size()])


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are of one shape and type and have the same bits; of elements above eight bytes, values."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.element_size() not in _INTEGERS:
        return torch.equal(one, other)
    return torch.equal(image(one), image(other))


def all_same_bits(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether there are as many tensors of each, with the same bits one by one."""
    return len(some) == len(others) and all(map(same_bits, some, others))
