"""An accelerator's matrix arithmetic on the CPU: operands rounded as its matrix unit rounds them, sums in float32.

A `TorchFunctionMode` sees what the model's Python calls: matrix products, linear layers, convolutions and fused
attention. Everything else runs as it is. Devices of one arithmetic differ in what their kernels leave open, the order
of sums and how attention is cut into pieces, so an emulation chooses those too: `variants` gives all choices.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812 - its name in the field
from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.numerics.arithmetic import DIRECT, TERMS_AT_ONCE, TRUNCATION, Arithmetic, ArithmeticByClass
from npu_adapt.numerics.attention import AttentionCall
from npu_adapt.numerics.convolution import shape_of, transformed
from npu_adapt.numerics.exact import HALF_TYPES, ROUNDOFF
from npu_adapt.numerics.operators import Kind, kind_of, operator_name, writes_in_place
from npu_adapt.numerics.products import (
    PRODUCTS,
    Multiply,
    linear_in_slices,
    multiplies_fast,
    product_of_parts,
    read_product,
)

SHORTEST_BLOCK = 16  # the depth of a matrix unit's step, on Ascend's cube as on a tensor core
OTHER_BLOCKS = (32, 64, 96, 128, 160, 192, 256, 384)  # each gives other partial sums at the widths of models
MOST_BLOCKS = 16  # of one sum: more cost more, and were not seen to show more
KEY_BLOCK = 64  # keys that fused attention takes in at a time

COARSE = 2.0**-14  # of an operand: such roundings hide what sums lose that are cut off
TRUNCATED = TRUNCATION * ROUNDOFF[torch.float32]  # of a partial sum, at each step
MATRIX_AXES = (-1, -2)  # along which a product of matrices is summed


@dataclass(frozen=True)
class Emulation:
    """How a device computes, as far as its numbers show it."""

    arithmetic: ArithmeticByClass
    fused_attention: bool = False  # softmax in pieces, normalised at the end, as flash attention does it
    blocked_sums: bool = False  # sums block after block, as a matrix unit does it; else as the CPU's kernels do
    block: int | None = None  # terms of a block. None: as many as the device was seen to take, or as suit the sum
    last_bits: int | None = None  # seed: float32 results of vector operators are a unit in the last place off, or none

    @property
    def is_float32(self) -> bool:
        """Whether it is what the CPU's own kernels do with a float32 model, but for convolutions by a transform."""
        same = all(each.name == "float32" and not each.truncating_sums for each in self.arithmetic)
        return same and not self.blocked_sums and self.last_bits is None

    def variants(self) -> Iterator[Emulation]:
        """This arithmetic in ever another emulation: the first two differ in all that kernels leave open.

        The first four are both ways of attention with both orders of sums, of which the blocked go with other last
        bits. All further ones have last bits of their own, which half types do not show.
        """
        for fused, in_blocks in ((False, False), (True, True), (True, False), (False, True)):
            yield Emulation(self.arithmetic, fused, in_blocks, last_bits=0 if in_blocks else None)
        for seed in itertools.count(1):
            yield Emulation(self.arithmetic, fused_attention=seed % 2 == 1, last_bits=seed)

    def other_orders(self) -> Iterator[Emulation]:
        """This arithmetic with its sums in blocks of other lengths: what half types show, unlike last bits."""
        for number, block in enumerate(OTHER_BLOCKS):
            yield Emulation(self.arithmetic, fused_attention=number % 2 == 1, blocked_sums=True, block=block)


_VECTOR_KINDS = (Kind.ELEMENTWISE, Kind.SOFTMAX, Kind.NORM)


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
        operator = operator_name(func)
        if func is F.linear:
            return self._linear(*args, **kwargs)
        if operator in PRODUCTS:
            return self._product(operator, func, args, kwargs)
        if kind_of(operator) is Kind.ATTENTION:
            return self._attention(*args, **kwargs)
        result = func(*args, **kwargs)
        seed = self.emulated.last_bits
        is_vectors = kind_of(operator) in _VECTOR_KINDS and not writes_in_place(func, kwargs)
        return result if seed is None or not is_vectors else other_last_bits(result, seed)

    def _multiply(
        self,
        operators: str,
        multiply: Multiply,
        left: Tensor,
        right: Tensor,
        summed: tuple[int, int] | None = None,
        *,
        held: bool = False,
    ) -> Tensor:
        """The sum of the products of the float32 operands' parts; `summed` None: in the kernel's own order.

        `held`: operands are numbers of the arithmetic as they are, and have no parts.
        """
        if left.dtype != torch.float32 or right.dtype != torch.float32:
            return multiply(left, right)
        arithmetic: Arithmetic = getattr(self.emulated.arithmetic, operators)
        in_order = multiply
        cut_off = arithmetic.truncating_sums and arithmetic.unit_roundoff < COARSE
        if summed is not None and (self.emulated.blocked_sums or cut_off):
            block = arithmetic.block if self.emulated.block is None else self.emulated.block
            in_order = blocked(multiply, summed, block, cut_off=cut_off)
        return in_order(left, right) if held else product_of_parts(in_order, arithmetic.split, left, right)

    def _linear(self, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        if self._is_own("linear", input, weight):
            return F.linear(input, weight, bias)

        def linear(*operands: Tensor | None) -> Tensor:
            return cast(Tensor, self._product("linear", F.linear, operands, {}))

        return linear_in_slices(linear, input, weight, bias)

    def _is_own(self, operator: str, left: Tensor, right: Tensor) -> bool:
        """Whether the CPU has a kernel that multiplies half typed operands like this: exact, and summed in float32."""
        if left.dtype not in HALF_TYPES or right.dtype != left.dtype or self.emulated.blocked_sums:
            return False
        operators = PRODUCTS[operator].operators
        arithmetic: Arithmetic = getattr(self.emulated.arithmetic, operators)
        exact = self._holds(operators, left, right) and not arithmetic.truncating_sums
        return exact and multiplies_fast(left.dtype)

    def _holds(self, operators: str, left: Tensor, right: Tensor) -> bool:
        arithmetic: Arithmetic = getattr(self.emulated.arithmetic, operators)
        return arithmetic.holds(left.dtype) and arithmetic.holds(right.dtype)

    def _product(self, operator: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        taken = read_product(operator, func, args, kwargs)
        if taken is None:
            return func(*args, **kwargs)
        (left, right, added), narrow = widened(taken.left, taken.right, taken.added)
        operators = PRODUCTS[operator].operators
        shape = shape_of(operator, args, kwargs)
        arithmetic = None if shape is None else self.emulated.arithmetic.of_convolution(shape)
        if shape is None or arithmetic is None or arithmetic.algorithm == DIRECT or left.dtype != torch.float32:
            held = self._holds(operators, taken.left, taken.right)
            product = self._multiply(operators, taken.multiply, left, right, taken.summed, held=held)
        else:
            product = transformed(arithmetic.algorithm, left, right, shape.padding, arithmetic.split)
        result = narrow(taken.completed(product, added))
        return args[0].copy_(result) if writes_in_place(func, kwargs) else result

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
        return narrow(self._multiply("attention", torch.matmul, weights, value, MATRIX_AXES))

    def _scores(self, query: Tensor, key: Tensor, mask: Tensor | None, scale: float) -> Tensor:
        scores = self._multiply("attention", torch.matmul, query, key.transpose(-2, -1), MATRIX_AXES) * scale
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

    So do vector units whose functions are right to a unit in the last place and not to half of one. Whole numbers stay:
    a model that counts its frames in float32 would round them up to one more.
    """
    if not isinstance(result, Tensor) or result.dtype != torch.float32:
        return result
    image = result.contiguous().view(torch.int32)
    hashed = image.long().mul_(2654435761).add_(seed * 40503).bitwise_right_shift_(9)
    step = hashed.remainder_(3).sub_(1).int()
    between = result.frac().abs_() > 0  # two whole numbers: neither infinite nor NaN, nor so large that it is one
    return step.mul_(between).add_(image).view(torch.float32)


def widened(
    left: Tensor, right: Tensor, added: Tensor | None
) -> tuple[tuple[Tensor, Tensor, Tensor | None], Callable[[Tensor], Tensor]]:
    """Half typed operands in float32, in which matrix units sum, and what rounds the result to their type again."""
    dtype = left.dtype
    if dtype not in HALF_TYPES or right.dtype != dtype:
        return (left, right, added), lambda result: result
    return (left.float(), right.float(), None if added is None else added.float()), lambda result: result.to(dtype)


def blocked(multiply: Multiply, summed: tuple[int, int], seen: int | None = None, *, cut_off: bool = False) -> Multiply:
    """`multiply` with its sums taken block after block along the axes `summed` of the operands.

    With `cut_off` each partial sum loses what a unit that does not round takes of it on its way through a block.

    `seen` is how many terms a device was seen to take apart, of which some are joined in a long sum; None, or more than
    half of them: the shortest that matrix units take.
    """

    def in_blocks(left: Tensor, right: Tensor) -> Tensor:
        length = left.size(summed[0])
        block = _block(length, seen)
        if length < 2 or right.size(summed[1]) != length:
            return multiply(left, right)
        total: Tensor | None = None
        for one, other in zip(torch.split(left, block, summed[0]), torch.split(right, block, summed[1]), strict=True):
            term = multiply(one, other)
            total = term if total is None else total.add_(term)
            if cut_off:
                total = total.double().mul_(1.0 - one.size(summed[0]) / TERMS_AT_ONCE * TRUNCATED).float()
        assert total is not None
        return total

    return in_blocks


def _block(length: int, seen: int | None) -> int:
    """Terms of a block in a sum of `length`."""
    least = -(-length // MOST_BLOCKS)
    if seen is not None and 2 * seen <= length:
        return seen * -(-least // seen)
    return max(SHORTEST_BLOCK, least) if length >= 2 * SHORTEST_BLOCK else 1
