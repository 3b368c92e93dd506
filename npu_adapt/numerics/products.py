"""Operators that are sums of products, taken apart: what each sums, how many terms, and what a device's operands give.

A bilinear operator of operands `left` and `right` is linear in each, so the same function of other operands gives its
exact value (float64), its size (squares) and what a matrix unit computes (rounded parts).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from npu_adapt.numerics.arithmetic import Arithmetic
from npu_adapt.numerics.capture import Call

Multiply = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class BilinearCall:
    """A call as `factor * multiply(left, right) + added`."""

    multiply: Multiply
    left: Tensor
    right: Tensor
    terms: int  # of each sum
    added: Tensor | None = None  # as it is broadcast to the result
    factor: float = 1.0

    def squares(self) -> Tensor:
        """The sum of the squared terms of each element, float64: what relative errors of the terms add up to."""
        squares = self.multiply(_wide(self.left).square(), _wide(self.right).square()).clamp_(min=0).double()
        return squares if self.factor == 1.0 else squares.mul_(self.factor**2)

    def predicted(self, arithmetic: Arithmetic) -> Tensor:
        """What a matrix unit of that arithmetic gives, but for the rounding of its sums: float64."""
        lefts, rights = arithmetic.split(_wide(self.left)), arithmetic.split(_wide(self.right))
        terms = [
            self.multiply(one.double(), other.double())
            for i, one in enumerate(lefts)
            for j, other in enumerate(rights)
            if i + j < len(lefts)
        ]
        total = terms[-1]
        for term in reversed(terms[:-1]):
            total = total + term
        return self._complete(total)

    def _complete(self, product: Tensor) -> Tensor:
        scaled = product if self.factor == 1.0 else product * self.factor
        return scaled if self.added is None else scaled + self.added.to(product.dtype)


def _wide(tensor: Tensor) -> Tensor:
    """In the type that matrix units sum in."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def bilinear(call: Call) -> BilinearCall | None:
    """The call taken apart; None for one that is no real floating product of two operands."""
    read = _READERS.get(call.operator)
    taken = read(call, list(call.args), dict(call.kwargs)) if read is not None else None
    if taken is None or not (taken.left.is_floating_point() and taken.right.is_floating_point()):
        return None
    return taken


def _take(args: list[Any], kwargs: dict[str, Any], *names: str) -> list[Any]:
    """The leading arguments, by position or by name."""
    return [args[at] if at < len(args) else kwargs.get(name) for at, name in enumerate(names)]


def _linear(call: Call, args: list[Any], kwargs: dict[str, Any]) -> BilinearCall:
    left, weight, bias = _take(args, kwargs, "input", "weight", "bias")
    return BilinearCall(torch.nn.functional.linear, left, weight, weight.size(-1), bias)


def _matmul(call: Call, args: list[Any], kwargs: dict[str, Any]) -> BilinearCall:
    left = args[0] if args else kwargs["input"]
    right = args[1] if len(args) > 1 else next(kwargs[name] for name in ("other", "mat2", "vec") if name in kwargs)
    return BilinearCall(torch.matmul, left, right, left.size(-1))


def _added(call: Call, args: list[Any], kwargs: dict[str, Any]) -> BilinearCall | None:
    added = args[0] if args else kwargs["input"]
    left = args[1] if len(args) > 1 else kwargs.get("mat1", kwargs.get("batch1"))
    right = args[2] if len(args) > 2 else kwargs.get("mat2", kwargs.get("batch2"))
    if len(args) > 3 or left is None or right is None:
        return None  # the old form, factors first
    beta, alpha = kwargs.get("beta", 1), kwargs.get("alpha", 1)
    return BilinearCall(torch.matmul, left, right, left.size(-1), added * beta, float(alpha))


def _einsum(call: Call, args: list[Any], kwargs: dict[str, Any]) -> BilinearCall | None:
    equation, *operands = args
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = list(operands[0])
    if not isinstance(equation, str) or len(operands) != 2:
        return None
    left, right = operands
    longest = left.numel() * right.numel() / max(1, math.prod(call.outputs[0].shape))
    return BilinearCall(lambda one, other: torch.einsum(equation, one, other), left, right, math.ceil(longest**0.5))


def _convolution(call: Call, args: list[Any], kwargs: dict[str, Any]) -> BilinearCall:
    transposed = "transpose" in call.operator
    left, weight, bias = _take(args, kwargs, "input", "weight", "bias")
    options = {name: value for name, value in kwargs.items() if name not in ("input", "weight", "bias")}

    def convolve(one: Tensor, other: Tensor) -> Tensor:
        result: Tensor = call.function(one, other, None, *args[3:], **options)
        return result

    spatial = weight.dim() - 2
    added = None if bias is None else bias.reshape(-1, *(1,) * spatial)
    terms = weight[:, 0].numel() if transposed else weight[0].numel()
    return BilinearCall(convolve, left, weight, terms, added)


_READERS: dict[str, Callable[[Call, list[Any], dict[str, Any]], BilinearCall | None]] = {
    "linear": _linear,
    **dict.fromkeys(("matmul", "mm", "bmm", "mv"), _matmul),
    **dict.fromkeys(("addmm", "baddbmm"), _added),
    "einsum": _einsum,
    **{f"conv{transposed}{axes}d": _convolution for transposed in ("", "_transpose") for axes in (1, 2, 3)},
}
