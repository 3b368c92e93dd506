"""Faults of kernels as they are written: loops, tails, masks, strides, and numbers that a type does not hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import round_mantissa, truncate_mantissa
from npu_adapt.numerics.attention import AttentionCall
from tests.benchmarks.verdict_devices import Fault, Operation

ATTENTION = "scaled_dot_product_attention"
PRODUCTS = ("linear", "matmul", "conv2d")
VECTORS = ("softmax", "layer_norm", "gelu", "silu", "add", "mul", "rsqrt", "mean", "group_norm", "batch_norm")
MOVES = ("transpose", "reshape", "cat", "embedding", "getitem", "contiguous", "flatten")
Draw = Callable[[Random], Fault]
Row = dict[str, tuple[tuple[str, ...], Draw]]


def _fixed(fault: Fault) -> Draw:
    return lambda _: fault


def _bias(operation: Operation) -> Tensor | None:
    bias: Tensor | None = operation.args[2] if len(operation.args) > 2 else operation.kwargs.get("bias")
    return bias


def _along_channels(bias: Tensor, operation: Operation) -> Tensor:
    return bias.reshape(-1, 1, 1) if operation.operator == "conv2d" else bias


def _with_bias(change: Callable[[Tensor], Tensor]) -> Fault:
    def fault(operation: Operation) -> Tensor:
        bias = _bias(operation)
        if bias is None:
            return operation.result
        moved = change(bias.float()) - bias.float()
        result: Tensor = operation.result + _along_channels(moved, operation)
        return result

    return fault


def _term_twice(operation: Operation) -> Tensor:
    """A loop that begins its last step one term too early."""
    left = operation.args[0].clone()
    left[..., -1] *= 2
    result: Tensor = operation.again(left, *operation.args[1:], **operation.kwargs)
    return result


def _accumulator_not_cleared(rng: Random) -> Fault:
    seed = rng.randrange(1 << 30)

    def fault(operation: Operation) -> Tensor:
        result = operation.result.clone().reshape(-1, operation.result.shape[-1])
        width = max(1, min(16, result.size(1) // 2))
        at = Random(seed).randrange(max(1, result.size(1) // width - 1)) * width
        result[:, at + width : at + 2 * width] += result[:, at : at + result[:, at + width : at + 2 * width].size(1)]
        return result.reshape(operation.result.shape)

    return fault


def _transposed_operand(operation: Operation) -> Tensor:
    right = operation.args[1]
    if right.size(-1) != right.size(-2):
        return operation.result
    result: Tensor = operation.again(operation.args[0], right.mT, *operation.args[2:], **operation.kwargs)
    return result


def _odd_tail(operation: Operation) -> Tensor:
    """Rows are written in pairs."""
    result = operation.result.clone().reshape(-1, operation.result.shape[-1])
    if result.size(0) % 2 and result.size(0) > 1:
        result[-1] = 0.0
    return result.reshape(operation.result.shape)


def _filters_turned(operation: Operation) -> Tensor:
    result: Tensor = operation.again(
        operation.args[0], operation.args[1].flip(2, 3), *operation.args[2:], **operation.kwargs
    )
    return result


def _padded_by_the_edge(operation: Operation) -> Tensor:
    image, filters, bias, stride, padding, dilation, groups = (*operation.args, *[None] * 7)[:7]
    if not isinstance(padding, tuple) or not any(padding):
        return operation.result
    wider = F.pad(image, (padding[1], padding[1], padding[0], padding[0]), mode="replicate")
    result: Tensor = operation.again(wider, filters, bias, stride, (0, 0), dilation, groups)
    return result


def _index_wrapped(operation: Operation) -> Tensor:
    """Indices in eight bits."""
    places, table = operation.args[:2]
    result: Tensor = F.embedding(places % 256, table)
    return result


def _heads_rotated(operation: Operation) -> Tensor:
    return operation.result.roll(1, 1)


def _given(operation: Operation) -> AttentionCall:
    return AttentionCall.read(*operation.args, **operation.kwargs)


def _own_key_hidden(operation: Operation) -> Tensor:
    """A causal mask that is one short; the first query keeps its key."""
    given = _given(operation)
    size = (given.query.size(-2), given.key.size(-2))
    if size[0] != size[1] or given.mask is None:
        return operation.result
    hidden = torch.eye(size[0], dtype=torch.bool)
    hidden[0, 0] = False
    result: Tensor = operation.again(
        given.query, given.key, given.value, given.mask.masked_fill(hidden, -math.inf), 0.0, False, scale=given.scale
    )
    return result


def _not_rescaled(operation: Operation) -> Tensor:
    """Two blocks of keys, each by its own maximum, added without a common one."""
    given = _given(operation)
    scores = (given.query.float() @ given.key.float().mT) * given.scale
    scores = scores if given.mask is None else scores + given.mask
    half = -(-scores.size(-1) // 2)
    weights = torch.cat([(part - part.amax(-1, keepdim=True)).exp() for part in scores.split(half, -1)], -1)
    weights = weights.nan_to_num(0.0)
    return (weights / weights.sum(-1, keepdim=True)) @ given.value.float()


def _unscaled(operation: Operation) -> Tensor:
    given = _given(operation)
    result: Tensor = operation.again(given.query, given.key, given.value, given.mask, 0.0, False, scale=1.0)
    return result


def _exponential_clipped(operation: Operation) -> Tensor:
    """Its argument is held at -8."""
    x = operation.args[0].float()
    dim = operation.args[1] if len(operation.args) > 1 else operation.kwargs.get("dim", -1)
    weights = (x - x.amax(dim, keepdim=True)).clamp(min=-8.0).exp()
    return weights / weights.sum(dim, keepdim=True)


def _tiny_flushed(operation: Operation) -> Tensor:
    """What float16 has no normal number for becomes zero."""
    return operation.result.masked_fill(operation.result.abs() < 2.0**-14, 0.0)


def _norm_of_padded_rows(operation: Operation) -> Tensor:
    """Sums over eight zeros too many."""
    names = ("input", "normalized_shape", "weight", "bias", "eps")
    given: dict[str, Any] = {**dict(zip(names, operation.args, strict=False)), **operation.kwargs}
    x, weight, bias = given["input"].float(), given.get("weight"), given.get("bias")
    wide = F.pad(x, (0, 8))
    mean, variance = wide.mean(-1, keepdim=True), wide.var(-1, keepdim=True, unbiased=False)
    scaled = (x - mean) * (variance + given.get("eps", 1e-5)).rsqrt()
    scaled = scaled if weight is None else scaled * weight
    return scaled if bias is None else scaled + bias


def _error_function_saturated(operation: Operation) -> Tensor:
    x = operation.args[0].float()
    return 0.5 * x * (1 + torch.where(x.abs() > 2.0, x.sign(), torch.erf(x * 0.5**0.5)))


def _pairs_swapped(operation: Operation) -> Tensor:
    """Interleaved where halves were meant."""
    result = operation.result
    if result.size(-1) % 2:
        return result
    return result.unflatten(-1, (-1, 2)).flip(-1).flatten(-2)


def _estimate(operation: Operation) -> Tensor:
    """Newton's step is left out."""
    return round_mantissa(operation.result.float(), 11)


def _cut_off(operation: Operation) -> Tensor:
    return truncate_mantissa(operation.result.float(), 15)


def _in_eight_bits(operation: Operation) -> Tensor:
    return operation.result.float().to(torch.float8_e4m3fn).to(operation.result.dtype)


def _transposed_block(rng: Random) -> Fault:
    size = rng.choice((4, 8, 16))

    def fault(operation: Operation) -> Tensor:
        result = operation.result.clone().reshape(-1, operation.result.shape[-1])
        side = min(size, *result.shape)
        result[:side, :side] = result[:side, :side].T.clone()
        return result.reshape(operation.result.shape)

    return fault


LOOPS: Row = {
    "term counted twice": (("linear", "matmul"), _fixed(_term_twice)),
    "accumulator not cleared": (PRODUCTS, _accumulator_not_cleared),
    "odd last row not written": ((*PRODUCTS, *VECTORS), _fixed(_odd_tail)),
    "block transposed": ((*PRODUCTS, *MOVES), _transposed_block),
    "norm over padded rows": (("layer_norm",), _fixed(_norm_of_padded_rows)),
    "blocks of keys not rescaled": ((ATTENTION,), _fixed(_not_rescaled)),
}
READINGS: Row = {
    "operand transposed": (("linear", "matmul"), _fixed(_transposed_operand)),
    "filters turned": (("conv2d",), _fixed(_filters_turned)),
    "padded by the edge": (("conv2d",), _fixed(_padded_by_the_edge)),
    "index in eight bits": (("embedding",), _fixed(_index_wrapped)),
    "heads rotated": ((ATTENTION,), _fixed(_heads_rotated)),
    "own key hidden": ((ATTENTION,), _fixed(_own_key_hidden)),
    "pairs swapped": ((ATTENTION, *MOVES), _fixed(_pairs_swapped)),
    "bias of the neighbour": (("linear", "conv2d"), _fixed(_with_bias(lambda bias: bias.roll(1, -1)))),
}
NUMBERS: Row = {
    "scale left out": ((ATTENTION,), _fixed(_unscaled)),
    "exponential clipped": (("softmax",), _fixed(_exponential_clipped)),
    "tiny values flushed": (VECTORS, _fixed(_tiny_flushed)),
    "error function saturated": (("gelu",), _fixed(_error_function_saturated)),
}
PRECISIONS: Row = {
    "bias in bfloat16": (("linear", "conv2d"), _fixed(_with_bias(lambda bias: bias.bfloat16().float()))),
    "without Newton's step": (("rsqrt", "softmax", "layer_norm"), _fixed(_estimate)),
    "result cut off": ((*PRODUCTS, *VECTORS), _fixed(_cut_off)),
    "result in eight bits": ((*PRODUCTS, *VECTORS), _fixed(_in_eight_bits)),
}
