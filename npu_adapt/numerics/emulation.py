"""An accelerator's matrix arithmetic on the CPU: operands rounded as its matrix unit rounds them, sums in float32.

A `TorchFunctionMode` sees what the model's Python calls: matrix products, linear layers, convolutions and fused
attention. Everything else runs as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812 - its name in the field
from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.numerics.arithmetic import Arithmetic


@dataclass(frozen=True)
class Product:
    """Where a bilinear operator has its two operands, and what it adds once."""

    left: int
    right: int
    names: tuple[str, str]  # of the operands, where they are given by name
    added: tuple[int, str] | None = None  # position and name of the bias


_LINEAR = Product(0, 1, ("input", "weight"), (2, "bias"))
_MATMUL = Product(0, 1, ("input", "other"))
_MM = Product(0, 1, ("input", "mat2"))

PRODUCTS: Mapping[Callable[..., Any], Product] = {
    F.linear: _LINEAR,
    **dict.fromkeys((F.conv1d, F.conv2d, F.conv3d), _LINEAR),
    **dict.fromkeys((F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d), _LINEAR),
    **dict.fromkeys((torch.conv1d, torch.conv2d, torch.conv3d), _LINEAR),
    **dict.fromkeys((torch.matmul, Tensor.matmul, Tensor.__matmul__), _MATMUL),
    **dict.fromkeys((torch.mm, Tensor.mm, torch.bmm, Tensor.bmm), _MM),
}
_ADDED_PRODUCTS = {torch.addmm, Tensor.addmm, torch.baddbmm, Tensor.baddbmm, torch.addbmm, Tensor.addbmm}


def emulate(arithmetic: Arithmetic) -> TorchFunctionMode:
    """A context in which float32 matrix products, convolutions and attention use `arithmetic`."""
    return _Emulation(arithmetic)


class _Emulation(TorchFunctionMode):
    def __init__(self, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.arithmetic = arithmetic

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in PRODUCTS:
            return self._product(func, PRODUCTS[func], list(args), dict(kwargs))
        if func is F.scaled_dot_product_attention:
            return self._attention(*args, **kwargs)
        if func in _ADDED_PRODUCTS:
            return self._added_product(func, *args, **kwargs)
        if func is torch.einsum:
            return self._einsum(*args)
        return func(*args, **kwargs)

    def _multiply(self, multiply: Callable[[Tensor, Tensor], Tensor], left: Tensor, right: Tensor) -> Tensor:
        """The sum of the products of the operands' parts. Anything but float32 is the device's own type: as it is."""
        if left.dtype != torch.float32 or right.dtype != torch.float32:
            return multiply(left, right)
        lefts, rights = self.arithmetic.split(left), self.arithmetic.split(right)
        terms = [
            multiply(one, other) for i, one in enumerate(lefts) for j, other in enumerate(rights) if i + j < len(lefts)
        ]
        total = terms[-1]  # the small terms first
        for term in reversed(terms[:-1]):
            total = total + term
        return total

    def _product(self, func: Any, row: Product, args: list[Any], kwargs: dict[str, Any]) -> Tensor:
        left = args[row.left] if len(args) > row.left else kwargs.pop(row.names[0])
        right = args[row.right] if len(args) > row.right else kwargs.pop(row.names[1])
        rest = args[2:]
        added = None
        if row.added is not None:
            position, name = row.added
            added = rest[0] if len(args) > position else kwargs.pop(name, None)
            rest = [None, *rest[1:]] if rest else []

        def multiply(one: Tensor, other: Tensor) -> Tensor:
            return cast(Tensor, func(one, other, *rest, **kwargs))

        result = self._multiply(multiply, left, right)
        if added is None:
            return result
        spatial = result.dim() - 2 if row is _LINEAR and func is not F.linear else 0
        bias = cast(Tensor, added)
        return result + (bias.reshape(-1, *(1,) * spatial) if spatial else bias)

    def _added_product(
        self,
        func: Any,
        added: Tensor,
        left: Tensor,
        right: Tensor,
        *,
        beta: float = 1,
        alpha: float = 1,
        out: Any = None,
    ) -> Tensor:
        multiply = torch.mm if left.dim() == 2 else torch.bmm
        product = self._multiply(multiply, left, right)
        if func in (torch.addbmm, Tensor.addbmm):
            product = product.sum(0)
        return beta * added + alpha * product

    def _einsum(self, equation: Any, *operands: Any) -> Tensor:
        if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
            operands = tuple(operands[0])
        if not isinstance(equation, str) or len(operands) != 2:
            return torch.einsum(equation, *operands)
        return self._multiply(lambda one, other: torch.einsum(equation, one, other), *operands)

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        """softmax(Q K^T * scale + mask) V, both products in the arithmetic; no dropout, which inference has none of."""
        if enable_gqa:
            groups = query.size(-3) // key.size(-3)
            key, value = key.repeat_interleave(groups, -3), value.repeat_interleave(groups, -3)
        scores = self._multiply(torch.matmul, query, key.transpose(-2, -1))
        scores = scores * (1 / math.sqrt(query.size(-1)) if scale is None else scale)
        if is_causal:
            attn_mask = torch.ones(query.size(-2), key.size(-2), dtype=torch.bool, device=query.device).tril()
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        weights = scores.softmax(-1)
        if attn_mask is not None:  # a row that may look nowhere weighs nothing, as in torch's own kernel
            weights = weights.masked_fill(scores.isneginf().all(-1, keepdim=True), 0.0)
        return self._multiply(torch.matmul, weights, value)
