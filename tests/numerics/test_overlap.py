"""Boxes and masks matched by class and IoU, by hand-worked shapes."""

from __future__ import annotations

import pytest
import torch

from npu_adapt.numerics.overlap import Objects, both_seen, iou, matched


def boxes(*rows, labels, scores=None):
    scores = [0.9] * len(rows) if scores is None else scores
    return Objects("boxes", torch.tensor(labels), torch.tensor(rows), torch.tensor(scores))


def test_half_a_box_beside_it_shares_a_third():
    one = boxes([0.0, 0.0, 2.0, 2.0], labels=[1])
    other = boxes([1.0, 0.0, 3.0, 2.0], labels=[1])
    assert float(iou(one, other)) == pytest.approx(1 / 3)
    assert matched(one, other) == []


def test_another_class_at_the_same_place_is_no_pair():
    one = boxes([0.0, 0.0, 2.0, 2.0], labels=[1])
    assert matched(one, boxes([0.0, 0.0, 2.0, 2.0], labels=[2])) == []
    assert matched(one, one) == [1.0]


def test_each_box_is_in_one_pair_and_the_closest_come_first():
    one = boxes([0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 3.0], labels=[1, 1])
    other = boxes([0.0, 0.0, 4.0, 3.0], labels=[1])
    assert matched(one, other) == [1.0]


def test_masks_share_pixels():
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[0, :, :2], mask[1, :, :3] = True, True
    one = Objects("masks", torch.tensor([7]), mask[:1], torch.ones(1))
    other = Objects("masks", torch.tensor([7]), mask[1:], torch.ones(1))
    assert matched(one, other) == [pytest.approx(2 / 3)]


def test_an_empty_side_and_an_empty_box_match_nothing():
    none = Objects("boxes", torch.zeros(0, dtype=torch.long), torch.zeros(0, 4), torch.zeros(0))
    point = boxes([1.0, 1.0, 1.0, 1.0], labels=[1])
    assert matched(none, point) == matched(point, none) == matched(point, point) == []


def test_a_score_that_falls_below_a_half_makes_its_object_vanish():
    row = [0.0, 0.0, 1.0, 1.0]
    one, other = both_seen(
        boxes(row, row, labels=[1, 2], scores=[0.9, 0.5]), boxes(row, row, labels=[1, 2], scores=[0.9, 0.4999])
    )
    assert (len(one.labels), len(other.labels)) == (2, 1)


def test_without_such_a_score_the_five_best_are_compared():
    low = boxes(*[[0.0, 0.0, 1.0, 1.0]] * 7, labels=[1] * 7, scores=[0.1] * 7)
    assert [len(side.labels) for side in both_seen(low, low)] == [5, 5]
