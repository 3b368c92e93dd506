"""Explanations: the same ids in both languages, an article for what a screen names, and how one is asked for."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

from npu_adapt.devices import failures
from npu_adapt.errors import ExitCode
from npu_adapt.numerics.arithmetic import ARITHMETICS
from npu_adapt.numerics.rules import TermId
from npu_adapt.report.explanations import alike, explanation, known_ids, pages, topics
from npu_adapt.report.language import language_of
from npu_adapt.report.phrases.first import RULES

PACKAGE = Path(__file__).parents[2] / "npu_adapt"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def ids(language: str) -> list[list[str]]:
    return [[article.id for article in topic.articles] for topic in topics(language)]


def test_both_languages_explain_the_same_ids_in_the_same_order() -> None:
    assert ids("en") == ids("zh")
    assert pages("en").keys() == pages("zh").keys()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_article_says_something_in_its_language(language: str) -> None:
    for topic in topics(language):
        for text in (topic.title, *(article.text for article in topic.articles)):
            assert text.strip() and bool(CHINESE.search(text)) == (language == "zh"), text


def test_no_article_of_a_topic_stands_twice() -> None:
    for topic in ids("en"):
        assert len(set(topic)) == len(topic)


def test_every_exit_code_and_arithmetic_has_its_article() -> None:
    assert {str(code.value) for code in ExitCode} <= set(known_ids())
    assert ARITHMETICS.keys() <= set(known_ids())


def test_every_class_of_failure_in_the_code_has_its_article() -> None:
    calls = [
        node
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("RunFailed", "Failure")
    ]
    values = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "kind"]
    named = {value.value for value in values if isinstance(value, ast.Constant)}
    named |= {kind.name for kind in vars(failures).values() if isinstance(kind, failures.Kind)}
    assert {"out-of-memory", "nan-output", "mode-not-supported"} <= named <= set(known_ids())


def test_every_rule_and_every_test_of_an_operator_has_its_article() -> None:
    assert {*RULES, "rms", "row", "element", "residual", "exact", "repeat", "end-to-end"} <= set(known_ids())


def test_every_term_of_a_rule_has_its_article() -> None:
    assert set(get_args(TermId)) <= set(known_ids())


@pytest.mark.parametrize("asked", ["noise-floor", "Noise floor", "NOISE_FLOOR", " noise-floor "])
def test_case_spaces_and_underscores_do_not_matter(asked: str) -> None:
    text = explanation(asked, "en")
    assert text is not None and "float64 (the truth" in text and "The default." in text  # the word, and the rule


def test_what_is_not_known_is_likened_to_what_is() -> None:
    assert explanation("nois-flor", "en") is None
    assert alike("nois-flor")[0] == "noise-floor"
    assert alike("zzzz") == ()


@pytest.mark.parametrize(
    ("asked", "environment", "language"),
    [
        ("zh", {"NPU_ADAPT_LANG": "en"}, "zh"),
        (None, {"NPU_ADAPT_LANG": "zh", "LANG": "en_US.UTF-8"}, "zh"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, {"NPU_ADAPT_LANG": "", "LANG": "de_DE.UTF-8"}, "en"),
        (None, {}, "en"),
    ],
    ids=["as asked", "the variable", "the locale", "the first locale variable", "neither", "nothing"],
)
def test_the_language_is_as_asked_then_the_variables_then_the_locales(asked, environment, language) -> None:
    assert language_of(asked, environment) == language
