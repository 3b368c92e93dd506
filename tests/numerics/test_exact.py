"""The exact result of one operator, and the distance of a number from its neighbours."""

from __future__ import annotations

import pytest
import torch

from npu_adapt.numerics.exact import as_real, double, half_ulp, single, truths
from tests.numerics.calls import last_call


def test_the_truth_of_a_sum_is_its_float64() -> None:
    call = last_call(lambda: torch.tensor([1.0, 2.0**-30]).sum())
    (value,), precision = truths(call).values, truths(call).precision
    assert (value.item(), precision) == (1 + 2.0**-30, "float64")


def test_without_a_wider_kernel_the_cpus_own_result_is_all_there_is() -> None:
    call = last_call(lambda: torch.tensor([3, 1, 2]).sort())
    assert truths(call).precision in ("float64", "its own")
    assert torch.equal(truths(call).values[0], torch.tensor([1, 2, 3]))


def test_types_that_the_model_asks_for_are_widened_too() -> None:
    assert double(torch.float16) is torch.float64 and double(torch.int64) is torch.int64 and double("x") == "x"
    assert double(torch.ones(1, dtype=torch.complex64)).dtype == torch.complex128
    assert single(torch.ones(1, dtype=torch.bfloat16)).dtype == torch.float32
    assert single(torch.ones(1, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    ("value", "half"),
    [(1.0, 2.0**-24), (1.5, 2.0**-24), (2.0, 2.0**-23), (-3.0, 2.0**-23), (0.0, 2.0**-126)],
)
def test_half_an_ulp_is_half_the_way_to_the_next_larger_number(value: float, half: float) -> None:
    assert half_ulp(torch.tensor([value], dtype=torch.float64), torch.float32).item() == half


def test_complex_numbers_are_pairs() -> None:
    assert torch.equal(as_real(torch.tensor([1 + 2j])), torch.tensor([[1.0, 2.0]]))
