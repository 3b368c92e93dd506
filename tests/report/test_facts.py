"""The words of facts and terms: filled places, values written by the one rule, a term that does not hold."""

from __future__ import annotations

import pytest

from npu_adapt.records import Fact, Problem, Term
from npu_adapt.report.phrases import PHRASES
from npu_adapt.report.phrases.facts import finding_words, told, words
from npu_adapt.report.phrases.phrase import Phrase


@pytest.fixture(autouse=True)
def _phrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        PHRASES, "term-error", Phrase("{place} {value:error} <= {limit:g}", "{place} {value:error} ≤ {limit:g}")
    )
    monkeypatch.setitem(
        PHRASES, "term-error-not", Phrase("{place} {value:error} > {limit:g}", "{place} {value:error} > {limit:g}")
    )
    monkeypatch.setitem(
        PHRASES, "reason-names", Phrase("without {names}, {share:percent}", "没有 {names}，{share:percent}")
    )


def test_a_term_is_filled_with_its_place_value_and_limit() -> None:
    term = Term(id="error", holds=True, place="logits", value=0.0021, limit=0.01)
    assert words("term", term, "en") == "logits 2.100e-03 <= 0.01"
    assert words("term", term, "zh") == "logits 2.100e-03 ≤ 0.01"


def test_a_term_that_does_not_hold_has_words_of_its_own() -> None:
    term = Term(id="error", holds=False, place="logits", value=0.021, limit=0.01)
    assert words("term", term, "en") == "logits 2.100e-02 > 0.01"


def test_several_values_are_joined_as_the_language_joins_them() -> None:
    fact = Fact("names", {"names": ("a", "b"), "share": 0.25})
    assert words("reason", fact, "en") == "without a, b, 25 %"
    assert words("reason", fact, "zh") == "没有 a、b，25 %"


def test_an_id_without_words_is_an_error() -> None:
    with pytest.raises(KeyError, match="reason-unheard-of"):
        words("reason", Fact("unheard-of"), "en")


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (Fact("unheard-of", {"count": 2, "name": "x"}), "unheard-of (count=2, name=x)"),
        (Fact("unheard-of"), "unheard-of"),
        (Fact("names", {"names": ("a",)}), "names (names=('a',))"),  # a value is missing
        (Fact("names", {"names": "a", "share": "much"}), "names (names=a, share=much)"),  # one of another type
    ],
)
def test_a_record_of_another_npu_adapt_is_told_by_its_id_and_values(fact: Fact, text: str) -> None:
    for language in ("en", "zh"):
        assert told("reason", fact, language) == text
        assert finding_words(Problem(id=fact.id, severity="error", values=fact.values), language) == {"found": text}
