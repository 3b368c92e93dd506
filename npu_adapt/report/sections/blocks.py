"""Tables made of figures: how every section lays out fields, rows and the reasons of what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from npu_adapt.report.document import Code, Column, Inline, Link, Listing, Table, listing
from npu_adapt.report.figures import Figures, without_positions

# Fields that hold somebody else's letters rather than words or numbers.
VERBATIM = frozenset(
    {
        "model.id",
        "model.architecture",
        "model.revision",
        "model.adapter.path",
        "model.adapter.sha256",
        "weights.path",
        "run.device",
        "environment.cpu",
        "environment.platform",
        "environment.devices.name",
        "environment.devices.health",
    }
)
LINKS = frozenset({"model.url"})
LIST_LIMIT = 12  # names shown of a list of keys; the summary holds them all


def cell(figures: Figures, path: str, *, unit: bool = True) -> Inline:
    """The figure at `path` as a table's cell: its text, or the reason why there is none."""
    text = figures(path, unit=unit)
    if figures.value(path) is None:
        return text
    if path in LINKS:
        return Link(text)
    is_verbatim = without_positions(path) in VERBATIM or isinstance(figures.value(path), tuple)
    return Code(text) if is_verbatim else text


def fact(figures: Figures, item: str, path: str) -> tuple[Inline, Inline]:
    """A row of a table of facts: what it is called, what it is."""
    return figures.say(f"item-{item}"), cell(figures, path)


def facts(figures: Figures, caption: str, rows: Iterable[tuple[Inline, Inline]]) -> Table:
    """A table of two columns, one fact a row."""
    return table(figures, caption, ("item", "value"), rows)


def table(
    figures: Figures,
    caption: str,
    columns: Sequence[str],
    rows: Iterable[tuple[Inline, ...]],
    numeric: frozenset[str] = frozenset(),
) -> Table:
    """A table by the keys of its caption and columns; `numeric` columns are set flush right."""
    titles = tuple(Column(figures.say(f"column-{key}"), key in numeric) for key in columns)
    return Table(figures.caption(caption), titles, tuple(tuple(filled(figures, part) for part in row) for row in rows))


def filled(figures: Figures, part: Inline) -> Inline:
    """`part`, or words for an empty text: a blank cell says nothing."""
    text = part.url if isinstance(part, Link) else part.text if isinstance(part, Code) else part
    return part if text.strip() else figures.say("empty")


def missing_reasons(figures: Figures, names: dict[str, str], paths: Iterable[str]) -> Listing | None:
    """Under a table whose narrow cells say "n/a": each reason with its columns. None: nothing is missing.

    `names` gives the column's phrase by the last part of a path.
    """
    columns: dict[str, list[str]] = {}
    for path in paths:
        if figures.value(path) is None:
            title = figures.say(f"column-{names[path.rpartition('.')[2]]}")
            titles = columns.setdefault(figures.reason(path), [])
            if title not in titles:
                titles.append(title)
    items = (figures.say("with-reason", item=", ".join(titles), reason=reason) for reason, titles in columns.items())
    return listing(items) if columns else None


def names(figures: Figures, values: Sequence[str]) -> str:
    """A list of names in one cell, the first of many; "none" where it is empty."""
    if not values:
        return figures.say("none")
    shown = ", ".join(values[:LIST_LIMIT])
    left = len(values) - LIST_LIMIT
    return shown if left <= 0 else f"{shown}, {figures.say('and-more', number=str(left))}"
