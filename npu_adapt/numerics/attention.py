"""Fused attention by its formula, in any precision, with either form of the softmax and any arithmetic of products."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from npu_adapt.numerics.arithmetic import Arithmetic, Split
from npu_adapt.numerics.capture import Call
from npu_adapt.numerics.products import product_of_parts


@dataclass(frozen=True)
class AttentionCall:
    """The arguments of `scaled_dot_product_attention`, heads of grouped queries repeated, the mask additive."""

    query: Tensor
    key: Tensor
    value: Tensor
    mask: Tensor | None
    scale: float

    @classmethod
    def read(
        cls,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
        **_: Any,
    ) -> AttentionCall:
        """The arguments as torch reads them; there is no dropout, which inference has none of."""
        if enable_gqa:
            groups = query.size(-3) // key.size(-3)
            key, value = key.repeat_interleave(groups, -3), value.repeat_interleave(groups, -3)
        if is_causal:
            attn_mask = torch.ones(query.size(-2), key.size(-2), dtype=torch.bool, device=query.device).tril()
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            attn_mask = torch.zeros(attn_mask.shape, device=attn_mask.device).masked_fill_(~attn_mask, -math.inf)
        return cls(query, key, value, attn_mask, query.size(-1) ** -0.5 if scale is None else scale)

    def to(self, dtype: torch.dtype) -> AttentionCall:
        """The same with tensors of `dtype`."""
        mask = None if self.mask is None else self.mask.to(dtype)
        return replace(self, query=self.query.to(dtype), key=self.key.to(dtype), value=self.value.to(dtype), mask=mask)

    def result(self, split: Split | None = None, *, late_division: bool = False) -> Tensor:
        """softmax(query key^T scale + mask) value, in the tensors' own type.

        `split` rounds the operands of both products. `late_division` rounds the weights before they are divided by
        their sum, as flash attention does, not after.
        """
        weights, total = self._weights(split)
        if late_division:
            return _product(weights, self.value, split) / total
        return _product(weights / total, self.value, split)

    def largest_weight(self) -> Tensor:
        """The largest weight that each query gives a key, [..., queries, 1]."""
        weights, total = self._weights(None)
        return weights.amax(-1, keepdim=True) / total

    def deviation(self, lost: float) -> Tensor:
        """The standard deviation of each result where each score loses that share of itself, independently.

        To first order result i moves by sum_j w_ij ds_ij (value_j - result_i), for weights w and scores s.
        """
        weights, total = self._weights(None)
        weights = weights / total
        scores = self.query @ self.key.transpose(-2, -1) * self.scale
        moved = (weights * scores * lost).square_()
        result, value = weights @ self.value, self.value
        variance = moved @ value.square() - 2 * result * (moved @ value) + result.square() * moved.sum(-1, keepdim=True)
        return variance.clamp_(min=0.0).sqrt_()

    def _weights(self, split: Split | None) -> tuple[Tensor, Tensor]:
        """(weights, the largest of them 1; their sum): a row that may look nowhere weighs nothing."""
        scores = _product(self.query, self.key.transpose(-2, -1), split) * self.scale
        if self.mask is not None:
            scores = scores + self.mask
        largest = scores.amax(-1, keepdim=True)
        weights = (scores - largest.masked_fill(largest.isneginf(), 0.0)).exp()
        total = weights.sum(-1, keepdim=True)
        return weights, total.masked_fill(total == 0, 1.0)


def _product(left: Tensor, right: Tensor, split: Split | None) -> Tensor:
    if split is None:
        return left @ right
    dtype = left.dtype
    return product_of_parts(lambda one, other: one.to(dtype) @ other.to(dtype), split, left.float(), right.float())


def attention(call: Call) -> AttentionCall:
    """The arguments of a call that was captured."""
    return AttentionCall.read(*call.args, **call.kwargs)


def roundings(arithmetic: Arithmetic) -> tuple[tuple[Split, bool], ...]:
    """The forms that a device of that arithmetic may take: (rounding of operands, late division)."""
    return (arithmetic.split, False), (arithmetic.split, True)
