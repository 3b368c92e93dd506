"""Roundings of operands, bit by bit."""

from __future__ import annotations

import math

import pytest
import torch

from npu_adapt.numerics.arithmetic import ARITHMETICS, round_mantissa


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
