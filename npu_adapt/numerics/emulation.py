"""An accelerator's matrix arithmetic on the CPU: operands rounded as its matrix unit rounds them, sums in float32.

A `TorchFunctionMode` sees what the model's Python calls: matrix products, linear layers, convolutions and fused
attention. Everything else runs as it is. Devices of one arithmetic differ in what their kernels leave open, the order
of sums and how attention is cut into pieces, so an emulation chooses those too: `variants` gives all choices.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812 - its name in the field
from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.numerics.arithmetic import Arithmetic, ArithmeticByClass
from npu_adapt.numerics.attention import AttentionCall
from npu_adapt.numerics.operators import Kind, kind_of, operator_name, writes_in_place

HALF_TYPES = (torch.float16, torch.bfloat16)
SHORTEST_BLOCK = 16  # the depth of a matrix unit's step, on Ascend's cube as on a tensor core
MOST_BLOCKS = 16  # of one sum: more cost more, and were not seen to show more
KEY_BLOCK = 64  # keys that fused attention takes in at a time

Multiply = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Emulation:
    """How a device computes, as far as its numbers show it."""

    arithmetic: ArithmeticByClass
    fused_attention: bool = False  # softmax in pieces, normalised at the end, as flash attention does it
    blocked_sums: bool = False  # sums block after block, as a matrix unit does it; else as the CPU's kernels do
    last_bits: int | None = None  # seed: float32 results of vector operators are a unit in the last place off, or none

    def variants(self) -> Iterator[Emulation]:
        """This arithmetic in ever another emulation: the first two differ in all that kernels leave open.

        The first four are both ways of attention with both orders of sums, of which the blocked go with other last
        bits. All further ones have last bits of their own, which half types do not show.
        """
        for fused, in_blocks in ((False, False), (True, True), (True, False), (False, True)):
            yield Emulation(self.arithmetic, fused, in_blocks, last_bits=0 if in_blocks else None)
        for seed in itertools.count(1):
            yield Emulation(self.arithmetic, fused_attention=seed % 2 == 1, last_bits=seed)


@dataclass(frozen=True)
class Product:
    """Where a bilinear operator has its two operands, along which of their axes it sums, and what it adds once."""

    operators: str  # the class whose arithmetic it has
    left: int
    right: int
    names: tuple[str, str]  # of the operands, where they are given by name
    summed: tuple[int, int]  # axis of the left and of the right operand
    added: tuple[int, str] | None = None  # position and name of the bias


_LINEAR = Product("matmul", 0, 1, ("input", "weight"), (-1, -1), (2, "bias"))
_MATMUL = Product("matmul", 0, 1, ("input", "other"), (-1, -2))
_MM = Product("matmul", 0, 1, ("input", "mat2"), (-1, -2))
_CONV = Product("conv", 0, 1, ("input", "weight"), (1, 1), (2, "bias"))
_TRANSPOSED = Product("conv", 0, 1, ("input", "weight"), (1, 0), (2, "bias"))

PRODUCTS: Mapping[Callable[..., Any], Product] = {
    F.linear: _LINEAR,
    **dict.fromkeys((F.conv1d, F.conv2d, F.conv3d, torch.conv1d, torch.conv2d, torch.conv3d), _CONV),
    **dict.fromkeys((F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d), _TRANSPOSED),
    **dict.fromkeys((torch.matmul, Tensor.matmul, Tensor.__matmul__), _MATMUL),
    **dict.fromkeys((torch.mm, Tensor.mm, torch.bmm, Tensor.bmm), _MM),
}
_VECTOR_KINDS = (Kind.ELEMENTWISE, Kind.SOFTMAX, Kind.NORM)
_ADDED_PRODUCTS = {torch.addmm, Tensor.addmm, torch.baddbmm, Tensor.baddbmm, torch.addbmm, Tensor.addbmm}
_GROUPS_POSITION = {_CONV: 6, _TRANSPOSED: 6}


def operator_class(func: Callable[..., Any]) -> str | None:
    """ "matmul", "conv" or "attention": the class that `func` multiplies in. None: it multiplies no matrices."""
    if func in PRODUCTS:
        return PRODUCTS[func].operators
    if func is F.scaled_dot_product_attention:
        return "attention"
    return "matmul" if func in _ADDED_PRODUCTS or func is torch.einsum else None


def emulate(emulated: Emulation | Arithmetic) -> TorchFunctionMode:
    """A context in which matrix products, convolutions and attention are computed as `emulated` says.

    Half typed operands stand for a model that is half typed as a whole: they are multiplied and summed in float32, and
    the result is rounded to their type.
    """
    if isinstance(emulated, Arithmetic):
        emulated = Emulation(ArithmeticByClass(emulated, emulated, emulated))
    return _EmulationMode(emulated)


class _EmulationMode(TorchFunctionMode):
    def __init__(self, emulated: Emulation) -> None:
        super().__init__()
        self.emulated = emulated

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
        result = func(*args, **kwargs)
        seed = self.emulated.last_bits
        return result if seed is None or not _is_vectors(func, kwargs) else other_last_bits(result, seed)

    def _multiply(
        self,
        operators: str,
        multiply: Multiply,
        left: Tensor,
        right: Tensor,
        summed: tuple[int, int] | None = None,
    ) -> Tensor:
        """The sum of the products of the float32 operands' parts; `summed` None: in the kernel's own order."""
        if left.dtype != torch.float32 or right.dtype != torch.float32:
            return multiply(left, right)
        arithmetic: Arithmetic = getattr(self.emulated.arithmetic, operators)
        lefts, rights = arithmetic.split(left), arithmetic.split(right)
        in_order = blocked(multiply, summed) if self.emulated.blocked_sums and summed is not None else multiply
        terms = [
            in_order(one, other) for i, one in enumerate(lefts) for j, other in enumerate(rights) if i + j < len(lefts)
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
        groups = args[6] if row in _GROUPS_POSITION and len(args) > 6 else kwargs.get("groups", 1)
        flat = left.dim() == 1 or right.dim() == 1

        def multiply(one: Tensor, other: Tensor) -> Tensor:
            return cast(Tensor, func(one, other, *rest, **kwargs))

        (left, right, bias), narrow = widened(left, right, added)
        result = self._multiply(row.operators, multiply, left, right, None if groups != 1 or flat else row.summed)
        if bias is None:
            return narrow(result)
        spatial = result.dim() - 2 if row.operators == "conv" else 0
        return narrow(result + (bias.reshape(-1, *(1,) * spatial) if spatial else bias))

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
        (wide_left, wide_right, wide_added), narrow = widened(left, right, added)
        multiply = torch.mm if left.dim() == 2 else torch.bmm
        product = self._multiply("matmul", multiply, wide_left, wide_right, _MM.summed)
        if func in (torch.addbmm, Tensor.addbmm):
            product = product.sum(0)
        return narrow(beta * cast(Tensor, wide_added) + alpha * product)

    def _einsum(self, equation: Any, *operands: Any) -> Tensor:
        if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
            operands = tuple(operands[0])
        if not isinstance(equation, str) or len(operands) != 2:
            return torch.einsum(equation, *operands)
        (left, right, _), narrow = widened(*operands, None)
        return narrow(self._multiply("matmul", lambda one, other: torch.einsum(equation, one, other), left, right))

    def _attention(self, *args: Any, **kwargs: Any) -> Tensor:
        """softmax(Q K^T * scale + mask) V, both products in the arithmetic."""
        given = AttentionCall.read(*args, **kwargs)
        (query, key, wide_value), narrow = widened(given.query, given.key, given.value)
        value, mask, scale = cast(Tensor, wide_value), given.mask, given.scale
        if self.emulated.fused_attention:
            return narrow(self._fused_attention(query, key, value, mask, scale))
        scores = self._scores(query, key, mask, scale)
        weights = scores.softmax(-1)
        if mask is not None:  # a row that may look nowhere weighs nothing, as in torch's own kernel
            weights = weights.masked_fill(scores.isneginf().all(-1, keepdim=True), 0.0)
        return narrow(self._multiply("attention", torch.matmul, weights, value, _MATMUL.summed))

    def _scores(self, query: Tensor, key: Tensor, mask: Tensor | None, scale: float) -> Tensor:
        scores = self._multiply("attention", torch.matmul, query, key.transpose(-2, -1), _MATMUL.summed) * scale
        return scores if mask is None else scores + mask

    def _fused_attention(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
        """Key block after key block, with a running maximum, and divided by the sum of the weights at the end.

        The recurrence of FlashAttention (Dao et al. 2022, algorithm 1): a block's weights are rounded as operands
        before they are normalised, which the plain form does after.
        """
        total = largest = weighed = None
        for start in range(0, key.size(-2), KEY_BLOCK):
            keys = slice(start, start + KEY_BLOCK)
            part = mask[..., keys] if mask is not None and mask.size(-1) > 1 else mask
            scores = self._scores(query, key[..., keys, :], part, scale)
            block_largest = scores.amax(-1, keepdim=True)
            new = block_largest if largest is None else torch.maximum(largest, block_largest)
            safe = new.masked_fill(new.isneginf(), 0.0)
            weights = (scores - safe).exp()
            block = self._multiply("attention", torch.matmul, weights, value[..., keys, :])
            if largest is None or total is None or weighed is None:
                total, weighed = weights.sum(-1, keepdim=True), block
            else:
                shrink = (largest - safe).exp()
                total = total * shrink + weights.sum(-1, keepdim=True)
                weighed = weighed * shrink + block
            largest = new
        assert weighed is not None and total is not None
        return weighed / total.masked_fill(total == 0, 1.0)


def other_last_bits(result: Any, seed: int = 0) -> Any:
    """A float32 tensor with each value left or moved to a neighbour, as a hash of its own bits says; all else as it is.

    So do vector units whose functions are right to a unit in the last place and not to half of one.
    """
    if not isinstance(result, Tensor) or result.dtype != torch.float32:
        return result
    image = result.contiguous().view(torch.int32)
    step = (((image.long() * 2654435761 + seed * 40503) >> 9) % 3 - 1).int()
    moved = (image + step).view(torch.float32)
    return torch.where(result.isfinite() & (result != 0) & moved.isfinite(), moved, result)


def _is_vectors(func: Callable[..., Any], kwargs: Mapping[str, Any]) -> bool:
    return kind_of(operator_name(func)) in _VECTOR_KINDS and not writes_in_place(func, kwargs)


def widened(
    left: Tensor, right: Tensor, added: Tensor | None
) -> tuple[tuple[Tensor, Tensor, Tensor | None], Callable[[Tensor], Tensor]]:
    """Half typed operands in float32, in which matrix units sum, and what rounds the result to their type again."""
    dtype = left.dtype
    if dtype not in HALF_TYPES or right.dtype != dtype:
        return (left, right, added), lambda result: result
    return (left.float(), right.float(), None if added is None else added.float()), lambda result: result.to(dtype)


def blocked(multiply: Multiply, summed: tuple[int, int]) -> Multiply:
    """`multiply` with its sums taken block after block along the axes `summed` of the operands."""

    def in_blocks(left: Tensor, right: Tensor) -> Tensor:
        length = left.size(summed[0])
        block = max(SHORTEST_BLOCK, -(-length // MOST_BLOCKS)) if length >= 2 * SHORTEST_BLOCK else 1
        if length < 2 or right.size(summed[1]) != length:
            return multiply(left, right)
        total: Tensor | None = None
        for one, other in zip(torch.split(left, block, summed[0]), torch.split(right, block, summed[1]), strict=True):
            term = multiply(one, other)
            total = term if total is None else total.add_(term)
        assert total is not None
        return total

    return in_blocks
