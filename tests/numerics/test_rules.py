"""The rules: every term with its value, and no figure that does not exist passes."""

from __future__ import annotations

import pytest

from npu_adapt.numerics.rules import field_rule, one_percent, tolerance_rule
from npu_adapt.records import OutputComparison


def output(**figures: object) -> OutputComparison:
    values = {
        "max_abs_diff": 0.1,
        "mean_abs_diff": 0.001,
        "cosine_similarity": 0.99999,
        "relative_l2": 0.001,
        "nan_mismatches": 0,
        "inf_mismatches": 0,
    }
    return OutputComparison(name="logits", shape=(1, 10), worst_index=(0, 0), **{**values, **figures})


def test_one_percent_names_each_term_with_its_value() -> None:
    outcome = one_percent([output()], top1_match=True, top5_match=True)
    assert outcome.passed
    assert outcome.detail == "relative L2 of logits 1.000e-03 <= 0.01; top-1 the same; top-5 the same"


@pytest.mark.parametrize(
    ("figures", "matches", "says"),
    [
        ({"relative_l2": 0.015}, {}, "relative L2 of logits 1.500e-02 not <= 0.01"),
        ({"relative_l2": None}, {}, "does not exist"),
        ({"nan_mismatches": 2}, {}, "2 NaN of logits"),
        ({"inf_mismatches": 1}, {}, "1 infinities of logits"),
        ({}, {"top1_match": False}, "top-1 differs"),
        ({}, {"top5_match": False}, "top-5 differs"),
    ],
)
def test_one_percent_fails_on_any_term(figures: dict[str, object], matches: dict[str, bool], says: str) -> None:
    outcome = one_percent([output(), output(**figures)], **matches)
    assert not outcome.passed
    assert says in outcome.detail


def test_exactly_one_percent_is_within() -> None:
    assert one_percent([output(relative_l2=0.01)]).passed


def test_the_fields_rule_passes_what_one_percent_does_not() -> None:
    assert field_rule([output(relative_l2=0.1, cosine_similarity=0.995)]).passed
    assert not field_rule([output(mean_abs_diff=0.005)]).passed
    assert not field_rule([output(cosine_similarity=None)]).passed


def test_tolerance_counts_elements() -> None:
    assert tolerance_rule({"logits": 0}, rtol=1e-3, atol=1e-5).passed
    outcome = tolerance_rule({"logits": 0, "hidden": 3}, rtol=1e-3, atol=1e-5)
    assert not outcome.passed
    assert "3 elements of hidden outside rtol 0.001, atol 1e-05" in outcome.detail
