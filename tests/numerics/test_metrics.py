"""Metrics on tensors worked by hand, each named for its trap."""

from __future__ import annotations

import math

import pytest
import torch

from npu_adapt.numerics import metrics
from npu_adapt.numerics.metrics import compare_tensors, outside_tolerance

INF, NAN = math.inf, math.nan


def test_figures_of_a_worked_example() -> None:
    found = compare_tensors(torch.tensor([[1.0, 2.0], [3.0, 8.0]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert found.max_abs_diff == 4.0
    assert found.mean_abs_diff == 1.0
    assert found.relative_l2 == pytest.approx(4 / math.sqrt(30), rel=1e-15)
    assert found.cosine_similarity == pytest.approx((1 + 4 + 9 + 32) / math.sqrt(30 * 78), rel=1e-15)
    assert (found.worst_index, found.reference_value, found.candidate_value) == ((1, 1), 4.0, 8.0)


def test_nan_on_one_side_is_a_mismatch_and_has_no_figures() -> None:
    found = compare_tensors(torch.tensor([1.0, NAN, 3.0]), torch.tensor([1.0, 2.0, 99.0]))
    assert (found.nan_mismatches, found.inf_mismatches) == (1, 0)
    assert (found.max_abs_diff, found.mean_abs_diff, found.cosine_similarity, found.relative_l2) == (None,) * 4
    assert (found.worst_index, found.reference_value, found.candidate_value) == ((1,), 2.0, None)


def test_opposite_infinities_mismatch() -> None:
    found = compare_tensors(torch.tensor([INF, 1.0]), torch.tensor([-INF, 1.0]))
    assert (found.nan_mismatches, found.inf_mismatches) == (0, 1)
    assert found.max_abs_diff is None


def test_an_infinity_against_a_number_mismatches() -> None:
    assert compare_tensors(torch.tensor([INF]), torch.tensor([3.0e38])).inf_mismatches == 1


def test_a_nan_against_an_infinity_counts_once() -> None:
    found = compare_tensors(torch.tensor([NAN]), torch.tensor([INF]))
    assert (found.nan_mismatches, found.inf_mismatches) == (1, 0)


def test_equal_infinities_and_nans_stay_out_of_the_norms() -> None:
    found = compare_tensors(torch.tensor([INF, NAN, 3.0]), torch.tensor([INF, NAN, 4.0]))
    assert (found.nan_mismatches, found.inf_mismatches) == (0, 0)
    assert (found.max_abs_diff, found.relative_l2) == (1.0, 0.25)


def test_no_element_is_an_error() -> None:
    with pytest.raises(ValueError, match="no element"):
        compare_tensors(torch.empty(0, 3), torch.empty(0, 3))


def test_broadcasting_is_an_error() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        compare_tensors(torch.ones(3, 1), torch.ones(3, 3))


def test_cosine_never_exceeds_one() -> None:
    tensor = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    found = compare_tensors(tensor * (1 + 2**-20), tensor)
    assert found.cosine_similarity is not None
    assert 1 - 1e-12 < found.cosine_similarity <= 1.0


def test_equal_zeros_are_equal_and_a_zero_reference_has_no_relative_error() -> None:
    equal = compare_tensors(torch.zeros(3), torch.zeros(3))
    assert (equal.cosine_similarity, equal.relative_l2) == (1.0, 0.0)
    different = compare_tensors(torch.ones(3), torch.zeros(3))
    assert (different.cosine_similarity, different.relative_l2, different.max_abs_diff) == (0.0, None, 1.0)


def test_float32_would_round_this_difference_away() -> None:
    found = compare_tensors(torch.tensor([1e8, 1.0]), torch.tensor([1e8, 0.0]))
    assert found.mean_abs_diff == 0.5


def test_pieces_do_not_change_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.randn(7, 11, generator=generator) for _ in range(2))
    whole = compare_tensors(one, other)
    monkeypatch.setattr(metrics, "PIECE_ELEMENTS", 10)
    pieces = compare_tensors(one, other)
    assert pieces.worst_index == whole.worst_index
    assert pieces.max_abs_diff == whole.max_abs_diff
    assert pieces.relative_l2 == pytest.approx(whole.relative_l2, rel=1e-14)


def test_inputs_are_not_changed() -> None:
    one, other = torch.tensor([INF, 1.0]), torch.tensor([2.0, 1.0])
    compare_tensors(one, other)
    assert one.tolist() == [INF, 1.0]
    assert other.tolist() == [2.0, 1.0]


def test_integers_and_scalars_compare() -> None:
    assert compare_tensors(torch.tensor(3), torch.tensor(5)).max_abs_diff == 2.0
    assert compare_tensors(torch.tensor(3), torch.tensor(5)).worst_index == ()


def test_tolerance_counts_what_is_outside() -> None:
    candidate = torch.tensor([1.0, 1.1, NAN, INF, -INF, NAN])
    reference = torch.tensor([1.0, 1.0, NAN, INF, INF, 1.0])
    assert outside_tolerance(candidate, reference, rtol=0.0, atol=0.01) == 3
    assert outside_tolerance(candidate, reference, rtol=0.2, atol=0.0) == 2
