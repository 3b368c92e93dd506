"""Every id that a benchmark records has words, and all words have an id: collected from the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from npu_adapt.records import Fact
from npu_adapt.report.explanations import explanation
from npu_adapt.report.phrases import PHRASES, Language, bench
from npu_adapt.report.phrases.facts import words
from npu_adapt.workflows.bench.settings import NOT_FINITE, WRONG

PACKAGE = Path(__file__).parents[2] / "npu_adapt"
MAKERS = sorted(
    [
        *(PACKAGE / "timing").glob("*.py"),
        *(PACKAGE / "workflows" / "bench").glob("*.py"),
        *(PACKAGE / "workflows" / "processes").glob("*.py"),
    ]
)
FROM_TABLES = {*WRONG.values(), *NOT_FINITE.values(), "frequency", "device-frequency"}  # ids that are no literals
KINDS = ("warning", "reason")


def facts() -> Iterator[tuple[str, set[str]]]:
    """(id, names of its values) of each `Fact("id", {"name": …})` in the code; () where they are put together."""
    for path in MAKERS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) in ("Fact", "records.Fact")):
                continue
            ids = (node.args[0].body, node.args[0].orelse) if isinstance(node.args[0], ast.IfExp) else (node.args[0],)
            names = [part.value for part in ids if isinstance(part, ast.Constant)]
            values = node.args[1] if len(node.args) > 1 else None
            keys = values.keys if isinstance(values, ast.Dict) else []
            known = {key.value for key in keys if isinstance(key, ast.Constant)}
            yield from ((name, known if len(known) == len(keys) else set()) for name in names)


IDS = {name for name, _ in facts()} | FROM_TABLES


def test_every_id_has_words_and_all_words_are_of_an_id() -> None:
    assert len(IDS) > 20
    assert {name for name in IDS if not any(f"{kind}-{name}" in PHRASES for kind in KINDS)} == set()
    spoken = {key.partition("-")[2] for key in (*bench.WARNINGS, *bench.REASONS) if key.startswith(KINDS)}
    assert spoken - IDS - {"text"} == set()


@pytest.mark.parametrize(("name", "values"), [(name, known) for name, known in facts() if known])
def test_every_place_of_the_words_is_filled(name: str, values: set[str]) -> None:
    for phrase in (PHRASES[f"{kind}-{name}"] for kind in KINDS if f"{kind}-{name}" in PHRASES):
        assert {place for _, place, _, _ in Formatter().parse(phrase.en) if place} <= values


def test_a_warning_of_an_older_schema_keeps_its_id_and_its_sentence() -> None:
    assert words("warning", Fact("outliers", {"text": "2 of 100 samples"}), "zh") == "2 of 100 samples"


def test_names_in_facts_are_words_of_the_language() -> None:
    fact = Fact("above-limit", {"achieved": 1.2, "bound": "memory"})
    assert words("warning", fact, "en") == "120 % of the memory limit: the limit was measured too low"
    assert words("warning", fact, "zh") == "达到访存上限的 120 %：该上限测得过低"


@pytest.mark.parametrize("key", sorted(bench.WARNINGS))
def test_every_warning_is_explained_in_both_languages(key: str) -> None:
    name = key.removeprefix("warning-")
    languages: tuple[Language, ...] = ("en", "zh")
    assert name == "text" or all(explanation(name, language) for language in languages)
