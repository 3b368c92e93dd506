"""The matrix as one HTML page that needs nothing beside it: sortable, filterable, without network. Loads jinja2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined

from npu_adapt.records.sweep import Sweep, SweepRow
from npu_adapt.report.document import printable
from npu_adapt.report.phrases import Language, say
from npu_adapt.report.sweep.matrix import COLUMNS, counts_words, verdict
from npu_adapt.report.sweep.words import cause_words

WIDTHS = (18, 12, 7, 5, 4, 7, 5, 6, 5, 7, 5, 5, 14)  # percent, of the matrix's columns


@dataclass(frozen=True)
class PageCell:
    text: str
    key: str  # what it is sorted by; a number where the column is numeric


@dataclass(frozen=True)
class PageRow:
    status: str
    cause: str  # key of the group; empty: it passed
    link: str  # to the model's report, relative to the page; empty: there is none
    cells: tuple[PageCell, ...]


def render(sweep: Sweep, language: Language = "en") -> str:
    """The page of `sweep`. All text is escaped; what runs in it is the template's own script."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = files("npu_adapt.report.sweep").joinpath("matrix.html.j2").read_text(encoding="utf-8")
    text, tone = verdict(sweep, language)
    groups = [
        (f"{group.id} {group.subject}", len(group.models), printable(cause_words(group, language)))
        for group in sweep.groups
    ]
    return environment.from_string(template).render(
        language=language,
        title=say("sweep-title", language, name=sweep.name),
        verdict=text,
        tone=tone,
        counts=counts_words(sweep, language),
        groups=groups,
        groups_title=say("sweep-groups-title", language),
        columns=[
            (say(f"matrix-{column.id}", language), column.numeric, width)
            for column, width in zip(COLUMNS, WIDTHS, strict=True)
        ],
        rows=list(_rows(sweep, language)),
        filter=say("sweep-filter", language),
        shown=say("sweep-shown", language),
    )


def _rows(sweep: Sweep, language: Language) -> Iterator[PageRow]:
    for row in sweep.rows:
        cause = "" if row.cause is None else f"{row.cause.id} {row.cause.subject}"
        yield PageRow(row.status, cause, link_of(row), tuple(_cells(row, language)))


def link_of(row: SweepRow) -> str:
    """The model's report, or the folder with its logs where there is no report; empty: it was not run."""
    if row.status == "not-run":
        return ""
    folder = f"models/{quote(row.folder)}/"
    has_report = any(step.command == "report" and step.exit_code == 0 for step in row.steps)
    return f"{folder}report.html" if has_report else folder


def _cells(row: SweepRow, language: Language) -> Iterator[PageCell]:
    for column in COLUMNS:
        text = printable(column.text(row, language))
        value = column.value(row) if column.value is not None else text
        yield PageCell(text, "" if value is None else str(value))
