"""Reports of real runs of every kind, as npu-adapt renders them: nothing is found in any, in either language."""

from __future__ import annotations

from pathlib import Path

import pytest

from npu_adapt.claims.audit import CONTRADICTIONS, audit_text
from npu_adapt.claims.gaps import empty_cells, placeholders
from npu_adapt.evidence import read_summary
from npu_adapt.report.html import render as render_html
from npu_adapt.report.markdown import render

KEPT = sorted((Path(__file__).parents[1] / "data" / "summaries").glob("*.json"))
# Of one run each; compare-npu shows two commands, each with a latency of its own.
SCREENS = sorted((Path(__file__).parents[1] / "data" / "screens").glob("*.txt"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_of_ours_has_nothing_to_find(path: Path, language: str) -> None:
    summary = read_summary(path)
    text = render(summary, language)  # type: ignore[arg-type]
    assert audit_text(text, (*CONTRADICTIONS, empty_cells, placeholders)) == ()


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_nor_has_the_page(path: Path) -> None:
    text = render_html(read_summary(path), "en")
    assert audit_text(text, (*CONTRADICTIONS, empty_cells, placeholders)) == ()


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: path.stem)
def test_nor_has_what_a_command_prints(path: Path) -> None:
    found = audit_text(path.read_text(encoding="utf-8"), CONTRADICTIONS)
    if path.stem.startswith("compare-npu"):
        found = tuple(each for each in found if each.id != "two-values")
    assert found == ()
