"""The exact result of one operator: the same operator in float64, on the arguments it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from npu_adapt.numerics.capture import Call, Convert, tensors_of
from npu_adapt.numerics.formats import FORMATS, Format

TYPES: dict[torch.dtype, Format] = {
    getattr(torch, row.name): row for row in FORMATS.values() if hasattr(torch, row.name)
}
ROUNDOFF = {dtype: row.roundoff for dtype, row in TYPES.items()}
SMALLEST = {dtype: row.smallest for dtype, row in TYPES.items()}
HALF_TYPES = tuple(dtype for dtype, row in TYPES.items() if row.wider == "float32")
COMPLEX = {torch.complex32: torch.complex128, torch.complex64: torch.complex128}

_DOUBLE = {**dict.fromkeys(TYPES, torch.float64), **COMPLEX}
_SINGLE = dict.fromkeys(HALF_TYPES, torch.float32)


def double(leaf: Any) -> Any:
    """Floating tensors and types widened to float64, complex ones likewise; anything else as it is."""
    return _in(leaf, _DOUBLE)


def single(leaf: Any) -> Any:
    """Half tensors and types widened to float32; anything else as it is."""
    return _in(leaf, _SINGLE)


def _in(leaf: Any, types: dict[torch.dtype, torch.dtype]) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.to(types.get(leaf.dtype, leaf.dtype))
    return types.get(leaf, leaf) if isinstance(leaf, torch.dtype) else leaf


@dataclass(frozen=True)
class Truths:
    """The exact results of a call, one for each tensor it gave, and in which precision they were computed."""

    values: tuple[Tensor, ...]
    precision: str  # "float64"; next best: "float32"; "its own": the CPU's result is all there is


def truths(call: Call) -> Truths:
    """Float64 where the operator has such a kernel; else what the CPU can do that is next best."""
    wide: tuple[tuple[str, Convert], ...] = (("float64", double), ("float32", single))
    for precision, convert in wide:
        found = attempt(call, convert)
        if found is not None:
            return Truths(found, precision)
    return Truths(call.outputs, "its own")


def attempt(call: Call, convert: Convert) -> tuple[Tensor, ...] | None:
    """The call's results for converted arguments; None where there is no kernel for them."""
    try:
        found = tensors_of(call.again(convert))
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return None
    same = len(found) == len(call.outputs) and all(
        one.shape == other.shape for one, other in zip(found, call.outputs, strict=True)
    )
    return found if same else None


def as_real(tensor: Tensor) -> Tensor:
    """A complex tensor as pairs of real numbers; a real one as it is."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def half_ulp(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Half the distance from each element, a number of `dtype`, to the next larger one; float64, of `tensor`'s shape.

    At a power of two the next smaller one is half as far. Where results may be flushed to zero it is that far.
    """
    _, exponents = torch.frexp(tensor)
    half = torch.ldexp(torch.full_like(tensor, ROUNDOFF[dtype] / 2), exponents)
    return half.where(tensor != 0, 0.0).clamp_(min=SMALLEST[dtype])
