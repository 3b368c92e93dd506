"""How far an error exceeds its floor: overall, in the worst row, in the worst element; hand-worked."""

from __future__ import annotations

import math

import pytest
import torch

from npu_adapt.numerics.error_statistics import FUSED_LIMITS, LIMITS, ErrorStatistics, exact_difference, limits_of
from npu_adapt.numerics.operators import Kind


def statistics(error: torch.Tensor, floor: float = 1.0, truth: float = 10.0) -> ErrorStatistics:
    found = ErrorStatistics()
    exact = torch.full_like(error, truth)
    found.add(exact + error, exact, torch.full_like(error, floor))
    return found


def test_an_even_error_is_the_same_in_all_three_measures() -> None:
    found = statistics(torch.full((4, 16), 2.0, dtype=torch.float64))
    assert (found.rms, found.row, found.element) == (2.0, 2.0, 2.0)
    assert (found.relative_l2, found.relative_floor) == (0.2, 0.1)


def test_one_wrong_element_is_named_with_its_place_and_values() -> None:
    error = torch.zeros(4, 16, dtype=torch.float64)
    error[2, 5] = 40.0
    failed = statistics(error).broken(LIMITS)
    assert failed is not None and failed.test == "element" and failed.over_floor == 40.0
    assert (failed.worst.index, failed.worst.reference, failed.worst.candidate) == ((2, 5), 10.0, 50.0)


def test_one_wrong_row_is_called_a_row() -> None:
    error = torch.zeros(64, 16, dtype=torch.float64)
    error[3] = 15.0
    failed = statistics(error).broken(LIMITS)
    assert failed is not None and (failed.test, failed.over_floor) == ("row", 15.0)


def test_pieces_are_one_result_with_places_in_the_whole() -> None:
    found = ErrorStatistics()
    truth, floor = torch.ones(2, 16, dtype=torch.float64), torch.ones(2, 16, dtype=torch.float64)
    found.add(truth, truth, floor)
    found.add(truth + 100, truth, floor, offset=(2, 0))
    failed = found.broken(LIMITS)
    assert failed is not None and failed.worst.index[0] >= 2
    assert found.rms == pytest.approx(100 / math.sqrt(2))


@pytest.mark.parametrize("value", [math.nan, math.inf], ids=["NaN", "infinity"])
def test_what_is_not_finite_on_one_side_only_fails_beyond_measure(value: float) -> None:
    error = torch.zeros(2, 16, dtype=torch.float64)
    error[1, 0] = value
    failed = statistics(error).broken(LIMITS)
    assert failed is not None and failed.over_floor == math.inf and failed.worst.index == (1, 0)


def test_infinities_of_one_sign_are_equal() -> None:
    found = ErrorStatistics()
    same = torch.tensor([math.inf, math.nan, 1.0], dtype=torch.float64)
    found.add(same, same.clone(), torch.ones(3, dtype=torch.float64))
    assert found.broken(LIMITS) is None


def test_nothing_was_seen_of_an_empty_result() -> None:
    assert statistics(torch.empty(0, dtype=torch.float64)).broken(LIMITS) is None


def test_fused_attention_may_gather_roundings_in_a_row() -> None:
    assert limits_of(Kind.ATTENTION) is FUSED_LIMITS and limits_of(Kind.PRODUCT) is LIMITS


@pytest.mark.parametrize(("bits", "same"), [(True, False), (False, True)], ids=["bits", "values"])
def test_minus_zero_is_zero_in_value_only(bits: bool, same: bool) -> None:
    one, other = torch.tensor([0.0]), torch.tensor([-0.0])
    assert (exact_difference(one, other, 2.0**-24, bits=bits) is None) is same


def test_a_difference_of_floats_is_in_half_ulps_and_of_whole_numbers_itself() -> None:
    floats = exact_difference(torch.tensor([1 + 2.0**-23]), torch.tensor([1.0]), 2.0**-24, bits=False)
    whole = exact_difference(torch.tensor([7]), torch.tensor([3]), 0.0, bits=False)
    assert floats is not None and floats.over_floor == pytest.approx(2.0)
    assert whole is not None and (whole.over_floor, whole.worst.reference, whole.worst.candidate) == (4.0, 3.0, 7.0)


def test_results_of_other_shapes_are_not_equal() -> None:
    failed = exact_difference(torch.ones(2), torch.ones(3), 0.0, bits=False)
    assert failed is not None and failed.over_floor == math.inf
