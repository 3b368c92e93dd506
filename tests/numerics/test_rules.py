"""The rules: every term with its value, and no figure that does not exist passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from npu_adapt.numerics.rules import field_rule, noise_floor_rule, one_percent, term, tolerance_rule
from npu_adapt.records import OutputComparison, RuleOutcome, Term


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


def failed(outcome: RuleOutcome) -> list[Term]:
    return [each for each in outcome.terms if not each.holds]


def test_one_percent_gives_each_term_with_its_value() -> None:
    outcome = one_percent([output()], top1_match=True, top5_match=True)
    assert outcome == RuleOutcome(
        rule="one-percent",
        passed=True,
        terms=(
            Term(id="relative-l2", holds=True, place="logits", value=0.001, limit=0.01),
            Term(id="top-1", holds=True),
            Term(id="top-5", holds=True),
        ),
    )


@pytest.mark.parametrize(
    ("figures", "matches", "found"),
    [
        ({"relative_l2": 0.015}, {}, term("relative-l2", False, "logits", 0.015, 0.01)),
        ({"relative_l2": None}, {}, term("no-figure", False, "logits", metric="relative_l2")),
        ({"nan_mismatches": 2}, {}, term("nan-mismatches", False, "logits", 2, 0)),
        ({"inf_mismatches": 1}, {}, term("inf-mismatches", False, "logits", 1, 0)),
        ({"unequal": 1}, {}, term("equal", False, "logits", 1, 0)),
        ({}, {"top1_match": False}, term("top-1", False)),
        ({}, {"top5_match": False}, term("top-5", False)),
    ],
)
def test_one_percent_fails_on_any_term(figures: dict[str, object], matches: dict[str, bool], found: Term) -> None:
    outcome = one_percent([output(), output(**figures)], **matches)
    assert not outcome.passed
    assert failed(outcome) == [found]


@pytest.mark.parametrize("rule", [one_percent, noise_floor_rule, field_rule])
def test_whole_numbers_are_judged_by_equality_and_nothing_else(rule: Callable[..., RuleOutcome]) -> None:
    assert rule([output(unequal=0, relative_l2=0.5)]).terms == (term("equal", True, "logits", 0, 0),)
    assert failed(rule([output(unequal=2)])) == [term("equal", False, "logits", 2, 0)]


def test_exactly_one_percent_is_within() -> None:
    assert one_percent([output(relative_l2=0.01)]).passed


def test_what_fails_comes_before_what_holds_and_causes_before_outputs() -> None:
    held = output(float64_relative_l2=0.001, noise_floor=0.001, error_over_floor=1.0)
    far = output(float64_relative_l2=0.004, noise_floor=0.001, error_over_floor=4.0)
    findings = (term("deterministic", True), term("operator-failed", False, "layer.3"))
    outcome = noise_floor_rule([held, far, output()], findings)
    assert not outcome.passed
    assert [(each.id, each.holds) for each in outcome.terms] == [
        ("operator-failed", False),
        ("noise-floor", False),
        ("no-figure", False),
        ("noise-floor", True),
        ("deterministic", True),
    ]
    assert outcome.terms[1] == term("noise-floor", False, "logits", 4.0, 3.0, error=0.004)


def test_the_fields_rule_passes_what_one_percent_does_not() -> None:
    assert field_rule([output(relative_l2=0.1, cosine_similarity=0.995)]).passed
    assert failed(field_rule([output(mean_abs_diff=0.005)])) == [term("mean-abs-diff", False, "logits", 0.005, 0.005)]
    assert failed(field_rule([output(cosine_similarity=None)])) == [
        term("no-figure", False, "logits", metric="cosine_similarity")
    ]


def test_tolerance_counts_elements() -> None:
    assert tolerance_rule({"logits": 0}, rtol=1e-3, atol=1e-5).passed
    outcome = tolerance_rule({"logits": 0, "hidden": 3}, rtol=1e-3, atol=1e-5)
    assert failed(outcome) == [term("outside-tolerance", False, "hidden", 3, 0, rtol=1e-3, atol=1e-5)]
