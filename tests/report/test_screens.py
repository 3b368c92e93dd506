"""Whole screens, letter for letter at 80 columns. After a change that is meant: WRITE_SCREENS=1 writes them."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console, Group, RenderableType

from npu_adapt.records import Summary
from npu_adapt.report import examination, tables
from npu_adapt.report.adaptation import adaptation_report
from npu_adapt.report.terminal import report_screen
from tests.report.summaries import SAMPLES

SCREENS = Path(__file__).parents[1] / "data" / "screens"
RENDERERS: dict[str, Callable[[Summary], RenderableType]] = {
    "run": tables.render_run,
    "compare": tables.render_compare,
    "bench": tables.render_bench,
    "weights": tables.render_weights,
    "environment": lambda summary: Group(
        examination.render_at_once(summary), examination.render_answers(summary, summary)
    ),
    "report": lambda summary: report_screen(adaptation_report(summary, "zh")),
}
CASES = (
    ("run", "infer-only", "utf-8"),
    ("run", "failed-run", "utf-8"),
    ("compare", "success", "utf-8"),
    ("compare", "failed-verdict", "utf-8"),
    ("compare", "rehearsed", "ascii"),
    ("compare", "nulls", "utf-8"),
    ("bench", "nulls", "utf-8"),
    ("bench", "sweep", "ascii"),
    ("weights", "doubtful", "utf-8"),
    ("environment", "doubtful", "utf-8"),
    ("environment", "examined", "ascii"),
    ("report", "success", "utf-8"),
)


@pytest.mark.parametrize(("screen", "sample", "encoding"), CASES)
def test_a_screen_is_as_it_was_approved(screen: str, sample: str, encoding: str) -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    Console(file=file, width=80, highlight=False).print(RENDERERS[screen](SAMPLES[sample]()))
    file.seek(0)
    shown = "".join(f"{line.rstrip()}\n" for line in file.read().splitlines())
    approved = SCREENS / f"{screen}-{sample}.txt"
    if os.environ.get("WRITE_SCREENS"):
        approved.write_text(shown, encoding="utf-8")
    assert shown == approved.read_text(encoding="utf-8")
