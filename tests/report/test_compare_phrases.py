"""Every id that a comparison may record has words in both languages, and the Chinese ones are Chinese."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from msgspec import to_builtins

from npu_adapt.devices.backends import BACKENDS
from npu_adapt.numerics.rules import TermId
from npu_adapt.records import Compare, Summary, Term
from npu_adapt.report.document import Block, Listing, Paragraph, Table
from npu_adapt.report.figures import Figures
from npu_adapt.report.phrases import PHRASES
from npu_adapt.report.phrases.compare import PHRASES as COMPARE
from npu_adapt.report.phrases.facts import words
from npu_adapt.report.sections.comparison import comparison
from npu_adapt.workflows.compare.facts import LeftOutId, NoteId, ReasonId, RegressionId

PACKAGE = Path(__file__).parents[2] / "npu_adapt"
MAKERS = {
    "term": get_args(TermId),
    "reason": get_args(ReasonId),
    "note": get_args(NoteId),
    "left-out": get_args(LeftOutId),
    "regression": get_args(RegressionId),
}
# English that the field's Chinese texts keep: names, types, options.
KEPT = re.compile(
    r"NaN|L2|CPU|float32|float64|top-[15]|rtol|atol|dropout|nearest-(even|away)|matmul|\bms\b|\bs\b|mean_abs_diff|"
    r"cosine_similarity|accuracy_compare\.log|(npu-adapt )?bench --against( cpu)?|--[\w-]+( float32)?|"
    r"[A-Z0-9_]{8,}(=0)?"
)


@pytest.mark.parametrize("kind", MAKERS)
def test_every_id_has_a_phrase_and_every_phrase_an_id(kind: str) -> None:
    known = {key.removeprefix(f"{kind}-").removesuffix("-not") for key in COMPARE if key.startswith(f"{kind}-")}
    ids = set(MAKERS[kind])
    assert {each for each in ids if f"{kind}-{each}" not in PHRASES} == set()
    assert known - {"text"} <= ids


def test_every_hint_of_a_backend_has_words() -> None:
    hints = {backend.finer_hint for backend in BACKENDS.values()} - {""}
    assert hints and all(f"hint-{hint}" in PHRASES for hint in hints)


@pytest.mark.parametrize("key", COMPARE)
def test_chinese_words_hold_no_english_but_names(key: str) -> None:
    text = "".join(literal for literal, *_ in Formatter().parse(COMPARE[key].zh))
    assert re.search(r"[A-Za-z]{2,}", KEPT.sub("", text)) is None


@pytest.mark.parametrize("name", ["success", "failed-verdict", "rehearsed", "nulls", "stand-in"])
def test_a_comparison_in_chinese_holds_no_english_but_names(sample: Callable[[str], Summary], name: str) -> None:
    summary = sample(name)
    shown = " ".join(text for block in comparison(Figures(summary, "zh")) for text in texts(block))
    recorded = json.dumps(to_builtins(summary.compare))
    ids = {*re.findall(r"[A-Za-z]{2,}", recorded), *compare_fields()}
    assert set(re.findall(r"[A-Za-z]{2,}", KEPT.sub("", shown))) - ids == set()


def texts(block: Block) -> Iterator[str]:
    """The words of a block, without names, paths and what is copied."""
    if isinstance(block, Table):
        yield from (block.caption, *(column.title for column in block.columns))
        yield from (cell for row in block.rows for cell in row if isinstance(cell, str))
    elif isinstance(block, Listing):
        for item in block.items:
            yield from texts(item)
    elif isinstance(block, Paragraph):
        yield from (part for part in block.parts if isinstance(part, str))


def compare_fields() -> set[str]:
    """The parts of the fields' own names: match_within_1_percent."""
    return {part for name in Compare.__struct_fields__ for part in name.split("_")}


def test_parts_of_a_term_are_phrases_of_their_own() -> None:
    values = {"bits": 11, "rounding": "nearest-even", "limit_from": "asked", "hint": "no-hf32"}
    term = Term(id="arithmetic", holds=False, place="conv", value="hf32", limit="float32", values=values)
    assert words("term", term, "en") == (
        "conv computes in hf32 (11 bits, nearest-even), coarser than the float32 asked for: run with --no-hf32"
    )
    assert words("term", term, "zh") == (
        "conv 以 hf32 计算（尾数 11 位，nearest-even），比所要求的 float32 粗：请使用 --no-hf32"
    )
    unknown = Term(id="arithmetic", holds=True, place="conv", value="hf32", values={**values, "rounding": "stochastic"})
    assert words("term", unknown, "en") == "conv computes in hf32 (stochastic)"


SOURCES = [PACKAGE / "numerics" / "rules.py", *sorted((PACKAGE / "workflows" / "compare").glob("*.py"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_facts_are_made_by_the_makers_that_know_the_ids(path: Path) -> None:
    """`Fact(...)` and `Term(...)` are called by nobody else, so that mypy holds every id to the lists above."""
    makers = {"term", "reason", "note", "left_out", "regression"}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in makers
        for node in ast.walk(function)
    }
    made = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Fact", "Term")
        if id(node) not in inside
    ]
    assert made == []
