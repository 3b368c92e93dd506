"""The matrix as blocks: which models, what they showed, why they failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from npu_adapt import rounding
from npu_adapt.records.sweep import Sweep, SweepRow
from npu_adapt.report.document import Code, Column, Inline, Paragraph, Report, Section, Table, Tone
from npu_adapt.report.phrases import Language, say
from npu_adapt.report.sweep import words

Value: TypeAlias = float | int | str | None


@dataclass(frozen=True)
class MatrixColumn:
    """One column: its words, and the plain value that it is sorted by."""

    id: str  # of the phrase "matrix-ID"
    text: Callable[[SweepRow, Language], str]
    value: Callable[[SweepRow], Value] | None = None  # None: the text
    numeric: bool = False
    is_name: bool = False  # shown letter for letter


COLUMNS: tuple[MatrixColumn, ...] = (
    MatrixColumn("model", lambda row, _: row.name, is_name=True),
    MatrixColumn("task", lambda row, _: row.figures.task or words.NONE, is_name=True),
    MatrixColumn("parameters", lambda row, _: words.parameters(row.figures), lambda row: row.figures.parameters, True),
    MatrixColumn("status", lambda row, language: say(f"row-status-{row.status}", language), lambda row: row.status),
    MatrixColumn("runs", lambda row, language: words.yes_or_no(row.figures.runs, language)),
    MatrixColumn("right", lambda row, language: words.right(row.figures, language)),
    MatrixColumn("floors", lambda row, _: words.floors(row.figures), lambda row: row.figures.floors, True),
    MatrixColumn("latency", lambda row, _: words.latency(row.figures), lambda row: row.figures.latency_ms, True),
    MatrixColumn("of-limit", lambda row, _: words.of_limit(row.figures), lambda row: row.figures.of_limit, True),
    MatrixColumn("memory", lambda row, _: words.memory(row.figures), lambda row: row.figures.memory_bytes, True),
    MatrixColumn("device", lambda row, _: row.placement.device if row.placement else words.NONE, is_name=True),
    MatrixColumn("seconds", lambda row, _: rounding.significant(row.seconds), lambda row: row.seconds, True),
    MatrixColumn("why", words.why),
)
NARROW = ("model", "status", "floors", "latency", "why")
NARROWEST = ("model", "status", "why")


def columns_of(ids: tuple[str, ...]) -> tuple[MatrixColumn, ...]:
    return tuple(column for column in COLUMNS if column.id in ids)


def model_table(
    rows: tuple[SweepRow, ...], language: Language, columns: tuple[MatrixColumn, ...] = COLUMNS, caption: str = ""
) -> Table:
    """One line for each model."""
    titles = tuple(Column(say(f"matrix-{column.id}", language), column.numeric) for column in columns)
    cells = (tuple(_cell(column, row, language) for column in columns) for row in rows)
    return Table(caption, titles, tuple(cells))


def _cell(column: MatrixColumn, row: SweepRow, language: Language) -> Inline:
    text = column.text(row, language)
    return Code(text) if column.is_name and text else text


def group_table(sweep: Sweep, language: Language, caption: str = "") -> Table:
    """One line for each cause, the largest first."""
    titles = ("cause", "models", "names")
    columns = tuple(Column(say(f"matrix-{id}", language), id == "models") for id in titles)
    rows = tuple(
        (words.cause_words(group, language), str(len(group.models)), Code(", ".join(group.models)))
        for group in sweep.groups
    )
    return Table(caption, columns, rows)


def worst_first(sweep: Sweep) -> tuple[SweepRow, ...]:
    """Failures first, then what was not run; else as they were listed."""
    order = {"failed": 0, "not-run": 1, "passed": 2}
    return tuple(sorted(sweep.rows, key=lambda row: order[row.status]))


def verdict(sweep: Sweep, language: Language) -> tuple[str, Tone]:
    """How many of how many."""
    counts = sweep.counts
    everything = str(len(sweep.rows))
    if counts.failed:
        return say("sweep-some-failed", language, failed=str(counts.failed), all=everything), "bad"
    said = say("sweep-all-passed", language, passed=str(counts.passed), all=everything)
    return said, "caution" if counts.not_run else "good"


def counts_words(sweep: Sweep, language: Language) -> str:
    counts = sweep.counts
    values = {"passed": counts.passed, "failed": counts.failed, "not_run": counts.not_run}
    return say("sweep-counts", language, **{name: str(value) for name, value in values.items()})


def matrix_report(sweep: Sweep, language: Language) -> Report:
    """The whole matrix."""
    text, tone = verdict(sweep, language)
    head = (Paragraph((text,), tone), Paragraph((counts_words(sweep, language),)))
    title = say("sweep-title", language, name=sweep.name)
    groups, models = say("sweep-groups-title", language), say("sweep-models-title", language)
    sections = [Section(title, head)]
    if sweep.groups:
        sections.append(Section(groups, (group_table(sweep, language, groups),)))
    sections.append(Section(models, (model_table(sweep.rows, language, caption=models),)))
    front = (("sweep", sweep.name), ("status", "FAILED" if sweep.counts.failed else "SUCCESS"))
    return Report(title, language, front, (), (), tuple(sections))
