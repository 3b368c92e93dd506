"""Each operator under emulation is the operator on rounded operands, summed in float32."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS, ArithmeticByClass, round_mantissa
from npu_adapt.numerics.emulation import Emulation, emulate, other_last_bits

HF32 = ARITHMETICS["hf32"]
FLOAT32 = ArithmeticByClass.uniform("float32")


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


A, B, BIAS = random(5, 7), random(7, 6), random(6)
IMAGE, KERNEL = random(2, 3, 8, 8), random(4, 3, 3, 3)
BATCH_A, BATCH_B = random(3, 5, 7), random(3, 7, 6)

CASES: dict[str, Callable[[Callable[[Tensor], Tensor]], Tensor]] = {
    "linear": lambda r: F.linear(r(A), r(B.T), BIAS),
    "linear by name": lambda r: F.linear(input=r(A), weight=r(B.T), bias=BIAS),
    "matmul": lambda r: torch.matmul(r(A), r(B)),
    "@": lambda r: r(A) @ r(B),
    "mm": lambda r: r(A).mm(r(B)),
    "bmm": lambda r: torch.bmm(r(BATCH_A), r(BATCH_B)),
    "addmm": lambda r: torch.addmm(BIAS, r(A), r(B), beta=2, alpha=3),
    "baddbmm": lambda r: torch.baddbmm(random(3, 5, 6), r(BATCH_A), r(BATCH_B)),
    "addmm in place": lambda r: random(5, 6).addmm_(r(A), r(B), beta=2),
    "addmm without its input": lambda r: torch.addmm(torch.full((6,), torch.nan), r(A), r(B), beta=0),
    "addbmm": lambda r: torch.addbmm(random(5, 6), r(BATCH_A), r(BATCH_B), alpha=2),
    "addmv": lambda r: torch.addmv(random(5), r(A), r(random(7)), beta=3),
    "mv": lambda r: r(A).mv(r(random(7))),
    "dot": lambda r: torch.dot(r(random(40)), r(random(41)[1:])),
    "vdot": lambda r: torch.vdot(r(random(40)), r(random(41)[1:])),
    "inner": lambda r: torch.inner(r(A), r(random(3, 7))),
    "vecdot": lambda r: torch.linalg.vecdot(r(A), r(random(5, 7, 1)[..., 0])),
    "linalg.matmul": lambda r: torch.linalg.matmul(r(A), r(B)),
    "reflected matmul": lambda r: r(B).__rmatmul__(r(A)),
    "tensordot": lambda r: torch.tensordot(r(BATCH_A), r(BATCH_B), dims=([0, 2], [0, 1])),
    "einsum": lambda r: torch.einsum("bij,bjk->bik", r(BATCH_A), r(BATCH_B)),
    "conv2d": lambda r: F.conv2d(r(IMAGE), r(KERNEL), random(4), stride=2, padding=1),
    "conv2d of groups": lambda r: F.conv2d(r(IMAGE), r(random(6, 1, 3, 3)), None, 1, 0, 1, 3),
    "conv1d": lambda r: F.conv1d(r(random(2, 3, 9)), r(random(4, 3, 3)), random(4)),
    "conv_transpose2d": lambda r: F.conv_transpose2d(r(IMAGE), r(random(3, 4, 3, 3)), random(4), stride=2),
}


@pytest.mark.parametrize("case", CASES)
def test_operands_are_rounded_and_nothing_else(case: str) -> None:
    expected = CASES[case](lambda operand: round_mantissa(operand, 11))
    plain = CASES[case](lambda operand: operand)
    with emulate(HF32):
        emulated = CASES[case](lambda operand: operand)
    assert not torch.equal(emulated, plain)
    torch.testing.assert_close(emulated, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ARITHMETICS)
def test_a_product_is_off_by_what_its_operands_lose(name: str) -> None:
    arithmetic = ARITHMETICS[name]
    left, right = random(64, 256), random(256, 64)
    truth = left.double() @ right.double()
    with emulate(arithmetic):
        product = left @ right
    error = float((product - truth).norm() / truth.norm())
    assert error <= 1.5 * arithmetic.unit_roundoff + 2e-7
    assert error >= arithmetic.unit_roundoff / 4 or name in ("float32", "bf16x3")


@pytest.mark.parametrize("masked", ["no mask", "causal", "boolean", "additive", "nowhere to look"])
def test_attention_in_float32_is_torchs_attention(masked: str) -> None:
    query, key, value = random(2, 4, 6, 8), random(2, 4, 7, 8), random(2, 4, 7, 8)
    boolean = random(2, 1, 6, 7) > -1
    boolean[..., 0] = True
    nowhere = boolean.clone()
    nowhere[0, 0, 0] = False
    arguments = {
        "no mask": {},
        "causal": {"is_causal": True},
        "boolean": {"attn_mask": boolean},
        "additive": {"attn_mask": random(2, 1, 6, 7)},
        "nowhere to look": {"attn_mask": nowhere},
    }[masked]
    expected = F.scaled_dot_product_attention(query, key, value, **arguments)
    with emulate(ARITHMETICS["float32"]):
        found = F.scaled_dot_product_attention(query, key, value, **arguments)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_attention_shares_keys_between_groups_of_queries() -> None:
    query, key, value = random(1, 8, 5, 4), random(1, 2, 5, 4), random(1, 2, 5, 4)
    expected = F.scaled_dot_product_attention(query, key, value, enable_gqa=True)
    with emulate(ARITHMETICS["float32"]):
        found = F.scaled_dot_product_attention(query, key, value, enable_gqa=True)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_typed_operands_are_summed_in_float32_and_rounded_once(dtype: torch.dtype) -> None:
    left, right, bias = A.to(dtype), B.to(dtype), BIAS.to(dtype)
    with emulate(ARITHMETICS["float32"]):
        product, layer = left @ right, F.linear(left, right.T, bias)
    assert torch.equal(product, (left.float() @ right.float()).to(dtype))
    assert torch.equal(layer, F.linear(left.float(), right.float().T, bias.float()).to(dtype))


@pytest.mark.parametrize("masked", ["no mask", "causal", "boolean", "nowhere to look"])
def test_fused_attention_is_attention_summed_otherwise(masked: str) -> None:
    query, key, value = random(2, 4, 6, 8), random(2, 4, 150, 8), random(2, 4, 150, 8)
    boolean = random(2, 1, 6, 150) > 0
    nowhere = boolean.clone()
    nowhere[0, 0, 0] = False
    nowhere[0, 0, 1, :100] = False  # the first blocks hold nothing to look at
    arguments = {
        "no mask": {},
        "causal": {"is_causal": True},
        "boolean": {"attn_mask": boolean},
        "nowhere to look": {"attn_mask": nowhere},
    }[masked]
    expected = F.scaled_dot_product_attention(query, key, value, **arguments)
    with emulate(Emulation(FLOAT32, fused_attention=True)):
        found = F.scaled_dot_product_attention(query, key, value, **arguments)
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


BLOCKED: dict[str, Callable[[], Tensor]] = {
    "matmul": lambda: random(5, 100) @ random(100, 6),
    "vectors": lambda: torch.matmul(random(100), random(100, 6)),
    "linear": lambda: F.linear(random(5, 100), random(6, 100), BIAS),
    "addmm": lambda: torch.addmm(BIAS, random(5, 100), random(100, 6)),
    "conv2d": lambda: F.conv2d(random(2, 40, 8, 8), random(4, 40, 3, 3), random(4)),
    "conv2d of few channels": lambda: F.conv2d(IMAGE, KERNEL),
    "conv2d of groups": lambda: F.conv2d(IMAGE, random(6, 1, 3, 3), None, 1, 0, 1, 3),
    "conv_transpose2d": lambda: F.conv_transpose2d(IMAGE, random(3, 4, 3, 3), random(4), stride=2),
}


@pytest.mark.parametrize("case", BLOCKED)
def test_another_order_of_sums_differs_in_the_last_bits_only(case: str) -> None:
    expected = BLOCKED[case]()
    with emulate(Emulation(FLOAT32, blocked_sums=True)):
        found = BLOCKED[case]()
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(found, expected) == (case in ("conv2d of groups",))


def test_each_class_has_its_own_arithmetic() -> None:
    rows = ArithmeticByClass(matmul=ARITHMETICS["float32"], conv=HF32, attention=ARITHMETICS["float32"])
    with emulate(Emulation(rows)):
        product, convolved = A @ B, F.conv2d(IMAGE, KERNEL)
    assert torch.equal(product, A @ B)
    assert torch.equal(convolved, F.conv2d(round_mantissa(IMAGE, 11), round_mantissa(KERNEL, 11)))


def test_the_variants_have_both_attentions_and_both_orders() -> None:
    several = list(itertools.islice(Emulation(FLOAT32).variants(), 12))
    two, four = several[:2], several[:4]
    assert {variant.fused_attention for variant in two} == {variant.blocked_sums for variant in two} == {False, True}
    assert len({(variant.fused_attention, variant.blocked_sums) for variant in four}) == 4
    assert len(set(several)) == 12


def test_layers_of_a_module_are_seen() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(7, 6), torch.nn.GELU(), torch.nn.Linear(6, 3))
    with torch.inference_mode(), emulate(HF32):
        emulated = module(A)
    with torch.inference_mode():
        plain = module(A)
    error = float((emulated - plain).norm() / plain.norm())
    assert 0 < error < 10 * HF32.unit_roundoff


def test_other_last_bits_leave_counts_as_they_are() -> None:
    counts = torch.tensor([2400.0, 3.0, -7.0, 0.0])
    assert all(torch.equal(other_last_bits(counts, seed), counts) for seed in range(4))


def test_other_last_bits_are_one_unit_away_or_none_and_always_the_same() -> None:
    values = random(40, 50)
    values[0, :3] = torch.tensor([0.0, float("inf"), -1.0])
    moved = other_last_bits(values)
    distance = (moved.view(torch.int32) - values.view(torch.int32)).abs()
    assert sorted(distance.unique().tolist()) == [0, 1]
    assert 0.6 < float(distance.float().mean()) < 0.73
    assert moved[0, :2].tolist() == [0.0, float("inf")]
    assert torch.equal(moved, other_last_bits(values))
    assert not torch.equal(moved, other_last_bits(values, seed=1))
    assert other_last_bits(values.double()).dtype == torch.float64


@pytest.mark.parametrize("name", ["float32", "tf32x3", "hf32"])
def test_sums_that_are_cut_off_drift_towards_zero_where_operands_do_not_hide_it(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.rand(shape, generator=generator) for shape in ((8, 1024), (1024, 8)))
    exact = left.double() @ right.double()
    arithmetic = replace(ARITHMETICS[name], truncating_sums=True)
    with emulate(arithmetic):
        found = (torch.matmul(left, right).double() - exact) / exact
    with emulate(ARITHMETICS[name]):
        usual = (torch.matmul(left, right).double() - exact) / exact
    steps = 1024 / 4
    lost = 0.721 * 2.0**-24 * steps / 2  # of a sum that grows evenly, half in the mean
    if name == "hf32":
        assert torch.equal(found, usual)
    else:
        assert -1.3 * lost < float(found.mean()) < -0.7 * lost
        assert float(usual.mean().abs()) < 0.1 * lost
