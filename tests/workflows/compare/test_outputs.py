"""Which classes count as the same, and whether two forwards gave the same bits: worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from npu_adapt.errors import RunFailed
from npu_adapt.records import WorstOutput
from npu_adapt.workflows.compare.outputs import class_matches, compare_outputs, flat_metrics, root_mean_square
from npu_adapt.workflows.run.behaviour import repeat_difference

# A root mean square of 5: noise of 1 % is worth 0.05.
REFERENCE = torch.tensor([[7.0, 6.98, 5.0, 4.0, 3.0, 2.0, 5.0]])


def matches(candidate: torch.Tensor, noise: float = 0.0) -> tuple[bool | None, bool | None]:
    sides = ({"logits": REFERENCE},), ({"logits": candidate},)
    return class_matches(*sides, dtype=torch.float32, class_scores="logits", noise=(noise,) if noise else ())


def test_classes_within_the_noise_count_as_tied() -> None:
    candidate = REFERENCE.clone()
    candidate[0, :2] = torch.tensor([6.98, 7.0])
    assert root_mean_square(REFERENCE) == pytest.approx(5.0, rel=0.01)
    assert matches(candidate) == (False, True)
    assert matches(candidate, noise=0.001) == (False, True)
    assert matches(candidate, noise=0.01) == (True, True)


def test_classes_further_apart_than_the_noise_are_another_answer() -> None:
    candidate = REFERENCE.clone()
    candidate[0, 2] = 7.1
    assert matches(candidate, noise=0.01) == (False, True)


def test_the_fifth_best_may_be_either_of_two_that_are_tied() -> None:
    reference = torch.tensor([[9.0, 8.0, 7.0, 6.0, 5.0, 5.0]])
    candidate = torch.tensor([[9.0, 8.0, 7.0, 6.0, 4.9, 5.0]])
    sides = ({"logits": reference},), ({"logits": candidate},)
    assert class_matches(*sides, dtype=torch.float32, class_scores="logits") == (True, True)


def test_infinite_scores_take_no_part_in_the_noise() -> None:
    assert root_mean_square(torch.tensor([3.0, -math.inf, math.nan])) == 3.0
    assert root_mean_square(torch.tensor([-math.inf])) == 0.0


@pytest.mark.parametrize(("classes", "expected"), [(4, (True, None)), (5, (True, True))])
def test_five_best_take_five_classes(classes: int, expected: tuple[bool, bool | None]) -> None:
    sides = ({"logits": REFERENCE[:, :classes]},), ({"logits": REFERENCE[:, :classes]},)
    assert class_matches(*sides, dtype=torch.float32, class_scores="logits") == expected
    assert class_matches(*sides, dtype=torch.float32, class_scores=None) == (None, None)


def test_nan_in_the_reference_itself_is_counted() -> None:
    broken = torch.tensor([[1.0, math.nan]])
    outputs, _ = compare_outputs(({"logits": broken},), ({"logits": broken},), dtype=torch.float32)
    assert (outputs[0].reference_nans, outputs[0].nan_mismatches) == (1, 0)


@pytest.mark.parametrize(("dtype", "unequal"), [(torch.int64, 2), (torch.bool, 1), (torch.float32, None)])
def test_whole_numbers_and_booleans_are_counted_where_they_differ(dtype: torch.dtype, unequal: int | None) -> None:
    one, other = torch.tensor([0, 1, 2, 1000]).to(dtype), torch.tensor([1, 1, 2, 1001]).to(dtype)
    outputs, _ = compare_outputs(({"ids": one},), ({"ids": other},), dtype=torch.float32)
    assert outputs[0].unequal == unequal


def test_each_flat_metric_names_the_sample_that_it_was_taken_from() -> None:
    reference = ({"a": torch.tensor([1.0, 0.0]), "b": torch.tensor([10.0])},) * 2
    candidate = (
        {"a": torch.tensor([1.0, 0.1]), "b": torch.tensor([10.0])},
        {"a": torch.tensor([1.0, 0.0]), "b": torch.tensor([10.5])},
    )
    outputs, worst = compare_outputs(reference, candidate, dtype=torch.float32)
    assert worst["relative_l2"] == WorstOutput(output="a", sample=0)
    assert worst["max_abs_diff"] == WorstOutput(output="b", sample=1)
    assert flat_metrics(outputs)["max_abs_diff"] == pytest.approx(0.5)
    assert flat_metrics(outputs)["relative_l2"] == pytest.approx(0.1)


def test_outputs_of_other_shapes_cannot_be_compared() -> None:
    with pytest.raises(RunFailed, match="differ in shape"):
        compare_outputs(({"logits": torch.ones(1, 3)},), ({"logits": torch.ones(1, 4)},), dtype=torch.float32)


@pytest.mark.parametrize(
    ("again", "share"),
    [
        ([1.0, 2.0, math.nan, 0.0], 0.0),
        ([1.0, 2.0 + 2**-22, math.nan, 0.0], 0.25),
        ([1.0, 2.0, math.nan, -0.0], 0.25),  # equal as a number, another one in its bits
        ([1.0, 2.0, 3.0, 0.0], 0.25),
    ],
)
def test_repeats_are_compared_bit_by_bit(again: list[float], share: float) -> None:
    first = torch.tensor([1.0, 2.0, math.nan, 0.0])
    assert repeat_difference(torch.tensor(again), first)[0] == share


def test_repeats_in_half_types_and_integers() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.int64, torch.bool):
        first = torch.tensor([0, 1, 1, 0]).to(dtype)
        assert repeat_difference(first.clone(), first) == (0.0, 0.0)
        assert repeat_difference(first.flip(0)[[0, 1, 3, 3]], first)[0] == 0.25


def test_a_repeat_of_another_shape_or_without_the_output_differs_in_all() -> None:
    assert repeat_difference(torch.ones(2), torch.ones(3)) == (1.0, math.inf)
    assert repeat_difference(None, torch.ones(3)) == (1.0, math.inf)
