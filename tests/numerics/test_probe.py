"""Devices made of torch on the CPU, and what the probe reads off their products."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS, ArithmeticByClass, truncate_mantissa
from npu_adapt.numerics.emulation import Emulation, emulate
from npu_adapt.numerics.probe import overflows_exp, read_attention, read_product


def matmul(left: Tensor, right: Tensor) -> Tensor:
    return left @ right


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(query[None, None], key[None, None], value[None, None], scale=1.0)[0, 0]


@pytest.mark.parametrize("name", ARITHMETICS)
@pytest.mark.parametrize("fused", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize("blocks", [False, True], ids=["kernel order", "blocks"])
def test_every_arithmetic_is_named_by_its_image(name: str, fused: bool, blocks: bool) -> None:
    with emulate(Emulation(ArithmeticByClass.uniform(name), fused, blocks)):
        product, attention = read_product(matmul, torch.float32), read_attention(attend, torch.float32)
    row = ARITHMETICS[name]
    for reading in (product, attention):
        assert (reading.arithmetic, reading.exact, reading.operand_bits) == (name, True, row.mantissa_bits)
        assert reading.rounding == ("none" if name == "float32" else "nearest-even")
        assert reading.overflows == (name == "float16")
        assert reading.emulated() is row
    assert product.accumulation_bits == 23
    assert product.flushes_denormals == (name == "float16")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_half_type_is_its_own_arithmetic_and_sums_in_float32(dtype: torch.dtype) -> None:
    reading = read_product(matmul, dtype)
    assert (reading.arithmetic, reading.exact) == (str(dtype).removeprefix("torch."), True)
    assert reading.accumulation_bits == 23
    assert read_attention(attend, dtype).arithmetic == reading.arithmetic


def test_operands_cut_off_are_told_from_rounded_ones_and_emulated_so() -> None:
    reading = read_product(lambda a, b: truncate_mantissa(a, 10) @ truncate_mantissa(b, 10), torch.float32)
    assert (reading.arithmetic, reading.exact, reading.operand_bits) == ("tf32", False, 10)
    assert str(reading) == "tf32 (10 bits, truncated)"
    emulated = reading.emulated()
    assert emulated is not None
    assert emulated.split(torch.tensor([2 - 2**-23]))[0].item() == 2 - 2**-10
    assert emulated.unit_roundoff == 2**-10  # a whole unit in the last place, where rounding loses half of one


def test_ties_away_from_zero_are_seen() -> None:
    def away(x: Tensor) -> Tensor:
        return truncate_mantissa(x + (x.view(torch.int32) & -(1 << 23)).view(torch.float32) * 2.0**-12, 11)

    reading = read_product(lambda a, b: away(a) @ away(b), torch.float32)
    emulated = reading.emulated()
    assert reading.rounding == "nearest-away" and emulated is not None
    ties = 1 + (2 * torch.arange(1.0, 9.0) - 1) * 2.0**-12  # between two numbers of 11 bits
    assert torch.equal(emulated.split(ties)[0], away(ties)) and not emulated.truncates
    assert torch.equal(emulated.split(-ties)[0], -away(ties))


def test_the_coarser_operand_counts() -> None:
    assert read_product(lambda a, b: a @ b.bfloat16().float(), torch.float32).arithmetic == "bfloat16"
    assert read_product(lambda a, b: a.bfloat16().float() @ b, torch.float32).arithmetic == "bfloat16"


def test_a_narrow_accumulator_is_seen() -> None:
    reading = read_product(lambda a, b: (a.half() @ b.half()).float(), torch.float32)
    assert (reading.arithmetic, reading.accumulation_bits) == ("float16", 10)


def test_coarse_scores_are_seen_behind_exact_values() -> None:
    def coarse(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return attend(query, key.bfloat16().float(), value)

    reading = read_attention(coarse, torch.float32)
    assert (reading.arithmetic, reading.operand_bits) == ("bfloat16", 7)


def test_an_exponential_in_half_precision_overflows() -> None:
    assert not overflows_exp(torch.exp)
    assert overflows_exp(lambda x: x.half().exp().float())


def summed_towards_zero(left: Tensor, right: Tensor) -> Tensor:
    """A matrix unit that takes in four terms at a time and cuts off what its sums cannot keep."""
    total = torch.zeros(left.size(0), right.size(1))
    for start in range(0, left.size(1), 4):
        exact = total.double() + left[:, start : start + 4].double() @ right[start : start + 4].double()
        nearest = exact.float()
        beyond = nearest.double().abs() > exact.abs()
        total = torch.where(beyond, torch.nextafter(nearest, torch.zeros(())), nearest)
    return total.to(left.dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_sums_that_are_cut_off_are_told_from_rounded_ones(dtype: torch.dtype) -> None:
    cut, rounded = read_product(summed_towards_zero, dtype), read_product(matmul, dtype)
    assert (cut.truncates_sums, rounded.truncates_sums) == (True, False)
    assert cut.arithmetic == rounded.arithmetic == str(dtype).removeprefix("torch.")
    emulated = cut.emulated()
    assert emulated is not None and emulated.truncating_sums
