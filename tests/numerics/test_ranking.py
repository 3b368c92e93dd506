"""Best classes: sets, not orders, and ties that are no difference."""

from __future__ import annotations

import math

import torch

from npu_adapt.numerics.ranking import top_k_match

REFERENCE = torch.tensor([[5.0, 4.0, 3.0, 2.0, 1.0]])


def test_another_order_within_the_best_is_the_same_set() -> None:
    assert top_k_match(torch.tensor([[5.0, 3.0, 4.0, 2.0, 1.0]]), REFERENCE, 3)
    assert not top_k_match(torch.tensor([[4.0, 5.0, 3.0, 2.0, 1.0]]), REFERENCE, 1)


def test_every_row_must_match() -> None:
    two = torch.cat([REFERENCE, REFERENCE])
    assert not top_k_match(torch.cat([REFERENCE, REFERENCE.flip(-1)]), two, 1)


def test_a_tie_in_the_reference_is_no_difference() -> None:
    reference = torch.tensor([[1.0, 1.0, 0.0]])
    assert top_k_match(torch.tensor([[0.9, 1.0, 0.0]]), reference, 1)


def test_scores_within_the_tolerance_count_as_tied() -> None:
    candidate = torch.tensor([[4.0, 4.1, 3.0, 2.0, 1.0]])
    reference = torch.tensor([[4.1, 4.0, 3.0, 2.0, 1.0]])
    assert not top_k_match(candidate, reference, 1)
    assert top_k_match(candidate, reference, 1, tie_tolerance=0.2)


def test_nan_matches_nothing() -> None:
    assert not top_k_match(torch.tensor([[math.nan] * 5]), REFERENCE, 1)
