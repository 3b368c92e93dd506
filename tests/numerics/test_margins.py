"""Margins between tokens in noise floors, on hand-worked logits."""

from __future__ import annotations

import math

import pytest
import torch

from npu_adapt.numerics.margins import (
    as_chosen,
    flips,
    margin_floors,
    margins_over_floor,
    position_errors,
    position_floors,
)

TRUTH = torch.tensor([[4.0, 3.0, 0.0, 0.0], [1.0, 1.1, 0.0, 0.0]], dtype=torch.float64)


def test_the_error_of_a_position_is_a_root_mean_square() -> None:
    found = TRUTH + torch.tensor([[0.2, 0.0, 0.0, 0.0], [0.1, 0.1, 0.1, 0.1]], dtype=torch.float64)
    assert position_errors(found, TRUTH).tolist() == pytest.approx([0.1, 0.1])


def test_an_infinity_on_one_side_only_is_an_infinite_error() -> None:
    found, truth = TRUTH.clone(), TRUTH.clone()
    found[0, 3] = truth[0, 3] = -math.inf
    found[1, 3] = -math.inf
    assert position_errors(found, truth).tolist() == [0.0, math.inf]


def test_a_position_that_came_out_right_by_luck_has_the_floor_of_the_others() -> None:
    truth = torch.zeros((3, 4), dtype=torch.float64)
    emulated = [truth + torch.tensor([[0.0], [0.5], [1.0]]), truth + torch.tensor([[0.0], [0.25], [0.5]])]
    assert position_floors(emulated, truth, 0.0).tolist() == [0.5, 0.5, 1.0]


def test_what_moves_all_logits_alike_is_no_noise_of_a_margin() -> None:
    alike = TRUTH + 7.0
    apart = TRUTH + torch.tensor([[0.1, -0.1, 0.1, -0.1]], dtype=torch.float64)
    expected = math.sqrt(2) * math.sqrt(0.04 / 3)  # four errors about their mean
    assert margin_floors([alike, apart], TRUTH, 0.0).tolist() == pytest.approx([expected, expected])
    assert margin_floors([alike], TRUTH, 0.25).tolist() == pytest.approx([1.0, 0.275])  # the best logit's roundoff


def test_a_margin_is_between_the_two_best() -> None:
    floors = torch.full((2,), 0.5, dtype=torch.float64)
    assert margins_over_floor(TRUTH, floors).tolist() == pytest.approx([2.0, 0.2])


def test_a_token_that_alone_may_be_chosen_has_no_margin() -> None:
    scores = torch.tensor([[0.0, -math.inf]], dtype=torch.float64)
    assert margins_over_floor(scores, torch.ones(1, dtype=torch.float64)).tolist() == [math.inf]


def test_a_flip_is_measured_between_the_two_tokens_and_not_the_two_best() -> None:
    floors = torch.full((2,), 0.1, dtype=torch.float64)
    found = torch.tensor([[0.0, 0.0, 9.0, 0.0], [1.0, 1.1, 0.0, 0.0]])
    (flip,) = flips(TRUTH, found, TRUTH, floors)
    assert (flip.position, flip.written, flip.chosen, flip.margin) == (0, 0, 2, 4.0)
    assert math.isclose(flip.over_floor, 40.0)


def test_a_token_that_may_not_be_chosen_is_no_tie() -> None:
    truth = torch.tensor([[1.0, -math.inf]], dtype=torch.float64)
    (flip,) = flips(truth, torch.tensor([[0.0, 1.0]]), truth, torch.ones(1, dtype=torch.float64))
    assert flip.over_floor == math.inf


def test_what_processors_made_of_the_reference_is_done_to_the_truth() -> None:
    raw = torch.tensor([[2.0, 4.0, 1.0]])
    scores = torch.tensor([[2.0, 2.0, -math.inf]])  # a repetition penalty of 2, and a suppressed token
    exact = as_chosen(torch.tensor([[2.5, 4.5, 1.5]], dtype=torch.float64), raw, scores)
    assert exact.tolist() == [[2.5, 2.5, -math.inf]]
