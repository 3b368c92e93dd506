"""The first screen of a sweep: how many failed, for what, the worst rows, and where the page with all of them is."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from npu_adapt.records.sweep import Sweep
from npu_adapt.report.document import Code, Paragraph
from npu_adapt.report.first.screen import LIMIT, SEPARATOR, FirstScreen, Line, listed
from npu_adapt.report.phrases import Language, say
from npu_adapt.report.sweep.matrix import (
    COLUMNS,
    NARROW,
    NARROWEST,
    columns_of,
    counts_words,
    model_table,
    verdict,
    worst_first,
)
from npu_adapt.report.sweep.words import cause_words

MOST_GROUPS = 6
NAMED = 3  # models of a group
LONGEST_NAME = 40  # characters


def first_sweep(sweep: Sweep, language: Language, page: Path) -> FirstScreen:
    """`page` is the file with the whole matrix."""
    text, tone = verdict(sweep, language)
    rows = tuple(replace(row, name=tail(row.name)) for row in worst_first(sweep)[:LIMIT])  # no more fit
    further = len(sweep.rows) - len(rows)
    tables = tuple(
        model_table(rows, language, columns) for columns in (COLUMNS, columns_of(NARROW), columns_of(NARROWEST))
    )
    return FirstScreen(
        head=Paragraph((text, SEPARATOR, Code(sweep.name)), tone),
        lines=(Line(say("label-counts", language), (counts_words(sweep, language),)), *_groups(sweep, language)),
        end=tuple(_end(sweep, language, page)),
        tables=tables,
        left_out=lambda hidden: say("sweep-more-rows", language, number=str(hidden + further)),
    )


def tail(name: str) -> str:
    """The end of a long name, which tells one path from another."""
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"


def _groups(sweep: Sweep, language: Language) -> list[Line]:
    """The largest groups, each with the first of its models."""
    label = say("label-causes", language)
    lines = []
    for group in sweep.groups[:MOST_GROUPS]:
        number = len(group.models)
        key = "sweep-group-one" if number == 1 else "sweep-group"
        said = say(
            key, language, cause=cause_words(group, language), **({} if number == 1 else {"models": str(number)})
        )
        more = "…" if number > NAMED else None
        lines.append(
            Line(label, listed(said, *(Code(tail(name)) for name in group.models[:NAMED]), more), "bad", rank=1)
        )
        label = ""
    if (hidden := len(sweep.groups) - MOST_GROUPS) > 0:
        lines.append(Line("", (say("sweep-more-groups", language, number=str(hidden)),), rank=1))
    return lines


def _end(sweep: Sweep, language: Language, page: Path) -> list[Line]:
    found = [Line(say("label-page", language), (Code(str(page)),))]
    if sweep.lost:
        lost = ", ".join(f"{each.placement.device} ({cause_words(each.cause, language)})" for each in sweep.lost)
        found.insert(0, Line(say("label-lost", language), (lost,), "caution"))
    if sweep.counts.not_run:
        resume = Code(f"npu-adapt sweep --resume {sweep.name}")
        found.append(Line(say("label-next", language), (resume,)))
    elif sweep.counts.failed:
        resume = Code(f"npu-adapt sweep --resume {sweep.name} --only failed")
        found.append(Line(say("label-next", language), (resume,)))
    return found
