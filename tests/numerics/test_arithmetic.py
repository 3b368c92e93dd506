"""Roundings of operands, bit by bit."""

from __future__ import annotations

import math

import pytest
import torch

from npu_adapt.numerics.arithmetic import (
    ARITHMETICS,
    ArithmeticByClass,
    is_coarser,
    round_mantissa,
    truncate_mantissa,
)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (1.0, 1.0),
        (1.0 + 2**-11, 1.0 + 2**-11),  # the last kept bit stays
        (1.0 + 2**-12, 1.0),  # a tie goes to the even neighbour below
        (1.0 + 2**-11 + 2**-12, 1.0 + 2**-10),  # a tie goes to the even neighbour above
        (1.0 + 2**-12 + 2**-23, 1.0 + 2**-11),  # a hair above the tie
        (2.0 - 2**-23, 2.0),  # the carry reaches the exponent
        (-1.0 - 2**-11 - 2**-12, -1.0 - 2**-10),  # sign and magnitude
        (0.0, 0.0),
        (math.inf, math.inf),
    ],
)
def test_hf32_keeps_eleven_bits_ties_to_even(value: float, rounded: float) -> None:
    assert round_mantissa(torch.tensor([value]), 11).tolist() == [rounded]


def test_nan_stays_nan() -> None:
    assert round_mantissa(torch.tensor([math.nan]), 11).isnan().all()


@pytest.mark.parametrize("name", ["hf32", "tf32", "float16", "bfloat16"])
def test_one_operand_is_off_by_at_most_the_unit_roundoff(name: str) -> None:
    arithmetic = ARITHMETICS[name]
    values = torch.rand(10_000, generator=torch.Generator().manual_seed(0)) + 1
    (rounded,) = arithmetic.split(values)
    error = ((rounded.double() - values.double()) / values.double()).abs().max()
    assert arithmetic.unit_roundoff / 2 < float(error) <= arithmetic.unit_roundoff


def test_bf16x3_keeps_sixteen_bits_in_two_parts() -> None:
    values = torch.rand(10_000, generator=torch.Generator().manual_seed(0)) + 1
    parts = ARITHMETICS["bf16x3"].split(values)
    assert len(parts) == 2
    assert float((sum(part.double() for part in parts) - values.double()).abs().max()) <= 2 * 2.0**-17


def test_float16_operands_overflow_as_the_hardwares_do() -> None:
    assert ARITHMETICS["float16"].split(torch.tensor([1e5]))[0].isinf().all()


def test_the_table_is_ordered_from_fine_to_coarse() -> None:
    bits = [arithmetic.mantissa_bits for arithmetic in ARITHMETICS.values()]
    assert bits == sorted(bits, reverse=True)


@pytest.mark.parametrize("name", ["hf32", "tf32", "float16", "bfloat16"])
def test_the_error_model_is_what_products_show(name: str) -> None:
    """Mantissas spread as 1/m, as those of activations and weights nearly are."""
    arithmetic = ARITHMETICS[name]
    generator = torch.Generator().manual_seed(0)
    left, right = (2.0 ** (torch.rand(256, 256, generator=generator) * 4 - 2) for _ in range(2))
    signs = torch.randint(0, 2, (256, 256), generator=generator) * 2 - 1
    left = left * signs
    (one,), (other,) = arithmetic.split(left), arithmetic.split(right)
    truth = left.double() @ right.double()
    error = float((one.double() @ other.double() - truth).norm() / truth.norm())
    assert error == pytest.approx(arithmetic.product_error, rel=0.1)


def test_cut_off_is_not_rounded() -> None:
    values = torch.tensor([2 - 2**-23, -2 + 2**-23, 1.0, math.inf])
    assert truncate_mantissa(values, 10).tolist() == [2 - 2**-10, -2 + 2**-10, 1.0, math.inf]


def test_arithmetics_by_class_are_written_short_where_they_are_one() -> None:
    assert str(ArithmeticByClass.uniform("hf32")) == "hf32"
    rows = ARITHMETICS["float32"], ARITHMETICS["hf32"], ARITHMETICS["float32"]
    assert str(ArithmeticByClass(*rows)) == "matmul float32, conv hf32, attention float32"


def test_fewer_bits_are_coarser_and_less_range_is_not() -> None:
    assert is_coarser(ARITHMETICS["bfloat16"], ARITHMETICS["float16"])
    assert not is_coarser(ARITHMETICS["tf32"], ARITHMETICS["float16"])
    assert not is_coarser(ARITHMETICS["bf16x3"], ARITHMETICS["hf32"])
