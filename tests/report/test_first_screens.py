"""First screens at their limits: long lists, long names, and what is left out first."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from npu_adapt.records import Summary
from npu_adapt.report.document import Code, Column, Paragraph, Table
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.compare import first_compare
from npu_adapt.report.first.report import first_report
from npu_adapt.report.first.screen import FirstScreen, Line, clipped
from npu_adapt.report.screens import report_details, screen
from tests.report.drawing import drawn
from tests.report.keep_summaries import kept
from tests.report.summaries import SAMPLES

LOGS = Path("logs")


def test_of_hundreds_of_suspects_the_first_are_shown_and_the_rest_counted() -> None:
    summary = kept("compare-failed")
    assert summary.compare is not None
    many = replace(summary.compare, operators=summary.compare.operators * 60)
    lines = drawn(first_compare(Figures(replace(summary, compare=many)), LOGS), 100)
    assert len(lines) == 32
    assert any(line.startswith("and ") and line.endswith(" more: --details") for line in lines)


def test_what_matters_least_is_left_out_first() -> None:
    lines = tuple(Line(f"rank-{rank}", ("text",), rank=rank) for rank in (0, 1, 2, 3, 0))
    shown = FirstScreen(Paragraph(("head",)), lines, (Line("end", ("here",)),), limit=5)
    assert [line.split()[0] for line in drawn(shown)] == ["head", "rank-0", "rank-1", "rank-0", "end"]


def test_a_narrow_console_gets_the_narrower_table() -> None:
    columns = (Column("step", numeric=True), Column("module"), Column("floor", numeric=True))
    wide = Table("", columns, (("1", Code("m" * 30), "0.5"),))
    narrow = Table("", columns[:2], (("1", Code("m" * 30)),))
    shown = FirstScreen(None, (), tables=(wide, narrow))
    assert "floor" in drawn(shown, 60)[0]
    assert "floor" not in drawn(shown, 38)[0]


def test_a_path_that_does_not_fit_stands_alone_in_one_piece() -> None:
    path = "/home/user/" + "models/" * 12 + "weights"
    shown = FirstScreen(None, (Line("read from", (Code(path),)),))
    assert drawn(shown, 80) == ["read from", f"  {path}"]


@pytest.mark.parametrize(
    ("text", "shown"), [("zero", "zero"), ("x" * 60, "x" * 47 + "…"), ("长" * 40, "长" * 23 + "…")]
)
def test_somebody_elses_text_is_cut_by_cells(text: str, shown: str) -> None:
    assert clipped(text) == Code(shown)


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize("width", [40, 80])
def test_every_summary_has_a_first_screen(name: str, width: int) -> None:
    summary = SAMPLES[name]()
    lines = drawn(first_report(Figures(summary), LOGS), width)
    assert lines
    assert width < 80 or len(lines) <= 32
    assert not any("None" in line for line in lines)


def failing_bench() -> Summary:
    return kept("bench-wrong")


def test_wrong_outputs_of_a_benchmark_are_in_status_front_matter_and_conclusion() -> None:
    from npu_adapt.report.adaptation import adaptation_report

    report = adaptation_report(failing_bench())
    assert dict(report.front_matter)["status"] == "FAILED"
    lines = drawn(report_details(failing_bench(), "en"), 100)
    status = next(line for line in lines if line.startswith("Status"))
    assert status.split() == ["Status", "FAILED"]
    start = lines.index("Conclusion")
    assert lines[start + 1] == "FAILED: what npu:0 computed in the benchmark is not what the reference computes."
    assert any("wrong-output: relative L2 against the CPU's float32" in line for line in lines[start:])
    assert drawn(screen("bench", failing_bench(), "en", LOGS), 100)[0].startswith("FAILED: ")


def test_a_verdict_that_passed_hides_no_benchmark_that_failed() -> None:
    both = replace(kept("compare-npu"), bench=failing_bench().bench)
    assert drawn(first_report(Figures(both), LOGS), 100)[0].endswith("the outputs are not the reference's")
