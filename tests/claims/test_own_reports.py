"""Reports of real runs of every kind, as npu-adapt renders them: nothing is found in any, in either language."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from npu_adapt.claims.audit import CONTRADICTIONS, audit_text
from npu_adapt.claims.gaps import empty_cells, placeholders
from npu_adapt.evidence import read_summary
from npu_adapt.progress import Silent
from npu_adapt.records.compare import CompareLatency
from npu_adapt.report.html import render as render_html
from npu_adapt.report.markdown import render
from npu_adapt.workflows.audit.command import audit
from npu_adapt.workflows.audit.request import AuditRequest

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


def test_nor_has_the_page_of_a_device_that_is_compared_with_itself(tmp_path: Path) -> None:
    """Both sides bear one name there, and their times lie close."""
    summary = read_summary(next(path for path in KEPT if path.stem == "compare"))
    assert summary.compare is not None and summary.run is not None and summary.run.timings_ms is not None
    latency = CompareLatency(reference_ms=0.9582, candidate_ms=0.9683, speed_up=0.9582 / 0.9683, iterations=100)
    page = tmp_path / "report.html"
    run = replace(summary.run, timings_ms=replace(summary.run.timings_ms, warm_forward=0.9683))
    timed = replace(summary, run=run, compare=replace(summary.compare, latency=latency))
    page.write_text(render_html(timed, "en"), "utf-8")
    found = audit(AuditRequest(page, offline=True), Silent()).findings
    assert found == ()


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: path.stem)
def test_nor_has_what_a_command_prints(path: Path) -> None:
    found = audit_text(path.read_text(encoding="utf-8"), CONTRADICTIONS)
    if path.stem.startswith("compare-npu"):
        found = tuple(each for each in found if each.id != "two-values")
    assert found == ()
