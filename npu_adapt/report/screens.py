"""What a command prints: its first screen, or with `--details` everything."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from msgspec.structs import replace
from rich.console import Group, RenderableType

from npu_adapt.records import Summary
from npu_adapt.report import tables
from npu_adapt.report.adaptation import adaptation_report
from npu_adapt.report.examination import render_answers, render_at_once
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.bench import first_bench
from npu_adapt.report.first.compare import first_compare
from npu_adapt.report.first.environment import first_answers, first_at_once
from npu_adapt.report.first.report import first_report
from npu_adapt.report.first.run import first_run
from npu_adapt.report.phrases import Language
from npu_adapt.report.terminal import report_screen

Command: TypeAlias = Literal["infer", "compare", "bench"]


def screen(command: Command, summary: Summary, language: Language, logs: Path) -> RenderableType:
    """The first screen of a command that ran a model. `logs`: where its evidence lies."""
    if command == "compare" and summary.compare is not None:
        return first_compare(Figures(summary, language), logs)
    if command == "bench" and summary.bench is not None:
        return first_bench(Figures(replace(summary, compare=None), language), logs)
    return first_run(Figures(replace(summary, compare=None, bench=None), language), logs)


def details(command: Command, summary: Summary, language: Language) -> RenderableType:
    """Everything that a command found."""
    render = {"infer": tables.render_run, "compare": tables.render_compare, "bench": tables.render_bench}[command]
    return Group(render(summary, language), "", tables.render_weights(summary, language))


def report_summary(summary: Summary, language: Language, logs: Path) -> RenderableType:
    """The conclusion of all that the summary holds, in one screen."""
    return first_report(Figures(summary, language), logs)


def report_details(summary: Summary, language: Language) -> RenderableType:
    """The whole report."""
    return report_screen(adaptation_report(summary, language))


class EnvironmentScreens:
    """What `env` prints, in two parts: what could be read at once, and what had to be waited for."""

    def __init__(self, language: Language, logs: Path, *, details: bool) -> None:
        self._language, self._logs, self._details = language, logs, details

    def at_once(self, summary: Summary) -> RenderableType:
        if self._details:
            return render_at_once(summary, self._language)
        return first_at_once(Figures(summary, self._language))

    def answers(self, summary: Summary, shown: Summary) -> RenderableType:
        if self._details:
            return render_answers(summary, shown, self._language)
        return first_answers(Figures(summary, self._language), Figures(shown, self._language), self._logs)
