"""Fused attention by its formula: torch's own result, both forms of the softmax, and what masks do."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from npu_adapt.numerics.arithmetic import ARITHMETICS
from npu_adapt.numerics.attention import AttentionCall, roundings
from tests.numerics.calls import random

QUERY, KEY, VALUE = random(2, 4, 5, 8), random(2, 4, 6, 8), random(2, 4, 6, 8, seed=1)
BOOLEAN = torch.arange(6).expand(5, 6) <= torch.arange(5)[:, None]
ARGUMENTS = {
    "plain": {},
    "causal": {"is_causal": True},
    "boolean mask": {"attn_mask": BOOLEAN},
    "additive mask": {"attn_mask": random(5, 6)},
    "scale": {"scale": 0.5},
}


@pytest.mark.parametrize("late", [False, True], ids=["divided early", "divided late"])
@pytest.mark.parametrize("case", ARGUMENTS)
def test_either_form_gives_torchs_result(case: str, late: bool) -> None:
    expected = F.scaled_dot_product_attention(QUERY, KEY, VALUE, **ARGUMENTS[case])
    read = AttentionCall.read(QUERY, KEY, VALUE, **ARGUMENTS[case])
    torch.testing.assert_close(read.result(late_division=late), expected, rtol=1e-5, atol=1e-6)


def test_heads_of_grouped_queries_are_repeated() -> None:
    key, value = random(2, 2, 6, 8), random(2, 2, 6, 8, seed=1)
    expected = F.scaled_dot_product_attention(QUERY, key, value, enable_gqa=True)
    torch.testing.assert_close(AttentionCall.read(QUERY, key, value, enable_gqa=True).result(), expected)


def test_a_query_that_may_look_nowhere_gets_zero() -> None:
    mask = torch.zeros(1, 6, dtype=torch.bool)
    read = AttentionCall.read(QUERY[..., :1, :], KEY, VALUE, attn_mask=mask)
    assert not read.result().any() and not read.result(late_division=True).any()


def test_the_largest_weight_of_one_key_among_equals_is_its_share() -> None:
    alike = torch.zeros(1, 1, 4, 8)
    assert AttentionCall.read(alike, alike, alike).largest_weight().unique().tolist() == [0.25]


def test_operands_are_rounded_in_both_forms_and_differently() -> None:
    exact = AttentionCall.read(QUERY, KEY, VALUE).to(torch.float64)
    early, late = (exact.result(split, late_division=at_end) for split, at_end in roundings(ARITHMETICS["bfloat16"]))
    error = (early - exact.result()).norm() / exact.result().norm()
    assert 2.0**-11 < error < 2.0**-6 and not torch.equal(early, late)
