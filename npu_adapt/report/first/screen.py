"""A first screen: one sentence, facts in two columns, if need be one table, and where all the rest is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from npu_adapt.report.document import Code, Inline, Paragraph, Table, Tone
from npu_adapt.report.layout import GAP, INDENT, Letters, fits, padded, table, wrap
from npu_adapt.report.terminal import STYLES, draw_paragraph, legible, unbroken

LIMIT = 24  # lines
LIMIT_OF_A_FAILURE = 32
FEWEST_ROWS = 6  # of the table, as long as there are lines of a minor rank to leave out
MINOR = 2
LONGEST_NAME = 48  # cells of a text that is somebody else's
SEPARATOR = " · "


@dataclass(frozen=True)
class Line:
    """A fact: what it is called, and what it is. Those of the highest rank are left out first; 0 is always shown."""

    label: str
    parts: tuple[Inline, ...]
    tone: Tone = "plain"
    rank: int = 0


@dataclass(frozen=True)
class FirstScreen:
    """Drawn in at most `limit` lines: rows of the table, then lines of the highest rank, are left out until it fits.

    Of `tables`, the same in fewer and fewer columns, the first is shown whose rows are lines. `left_out` says how many
    rows are not shown.
    """

    head: Paragraph | None
    lines: tuple[Line, ...]
    end: tuple[Line, ...] = ()
    tables: tuple[Table, ...] = ()
    left_out: Callable[[int], str] = str
    limit: int = LIMIT

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, letters = options.max_width, legible(options.encoding)
        chosen = self._chosen(width, letters)
        screen, rows = self, len(chosen.rows) if chosen else 0

        def drawn(count: int) -> list[Text]:
            return [*screen._drawn(chosen, count, width, letters)]

        while True:
            highest = max((line.rank for line in screen.lines), default=0)
            least = min(rows, FEWEST_ROWS if highest >= MINOR else 1)
            # With each row less there are fewer lines, so the most rows that fit are found by halving.
            rows = least + bisect_right(range(least + 1, rows + 1), self.limit, key=lambda count: len(drawn(count)))
            lines = drawn(rows)
            if len(lines) <= self.limit or not highest:
                break
            screen = replace(screen, lines=without_the_least(screen.lines))
        yield from lines

    def whole(self, width: int, letters: Letters) -> list[Text]:
        """Every line, however many."""
        chosen = self._chosen(width, letters)
        return [*self._drawn(chosen, len(chosen.rows) if chosen else 0, width, letters)]

    def _chosen(self, width: int, letters: Letters) -> Table | None:
        """The first of the tables whose rows are lines, else the last; None: there is none."""
        fitting = (each for each in self.tables if fits(each.columns, each.rows, width, letters))
        return next(fitting, self.tables[-1]) if self.tables else None

    def _drawn(self, chosen: Table | None, rows: int, width: int, letters: Letters) -> Iterator[Text]:
        """Every line, with so many rows of the table."""
        widest = max((cell_len(letters(line.label)) for line in (*self.lines, *self.end)), default=0)
        labels = widest + GAP if widest else 0
        if self.head is not None:
            yield from draw_paragraph(self.head, width, letters)
        for line in self.lines:
            yield from draw_line(line, labels, width, letters)
        if chosen is not None:
            yield from (unbroken(each) for each in table(chosen.columns, chosen.rows[:rows], width, letters))
            if hidden := len(chosen.rows) - rows:
                yield unbroken(letters(self.left_out(hidden)))
        for line in self.end:
            yield from draw_line(line, labels, width, letters)


def without_column(table: Table, at: int) -> Table:
    """The table without that column."""
    columns = table.columns[:at] + table.columns[at + 1 :]
    return replace(table, columns=columns, rows=tuple(row[:at] + row[at + 1 :] for row in table.rows))


def without_the_least(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The lines but for the last of those of the highest rank."""
    highest = max(line.rank for line in lines)
    last = max(at for at, line in enumerate(lines) if line.rank == highest)
    return lines[:last] + lines[last + 1 :]


def draw_line(line: Line, labels: int, width: int, letters: Letters) -> Iterator[Text]:
    """The label, and the fact beside it; a name that is too long for that has a line of its own."""
    beside = padded(letters(line.label), labels)
    for text in wrap(line.parts, width - labels, letters):
        if cell_len(text) > width - labels:
            if beside.strip():
                yield unbroken(beside.rstrip())
            beside = " " * INDENT
        yield Text.assemble(beside, (text, STYLES[line.tone]), no_wrap=True, overflow="ignore")
        beside = " " * labels


def listed(*facts: tuple[Inline, ...] | Inline | None) -> tuple[Inline, ...]:
    """Facts of equal rank in one line, with dots between them; those that are None or empty are left out."""
    parts: list[Inline] = []
    for fact in facts:
        if not fact:
            continue
        parts += [SEPARATOR] if parts else []
        parts += fact if isinstance(fact, tuple) else (fact,)
    return tuple(parts)


def clipped(text: str) -> Code:
    """Somebody else's text, cut where it would fill the line."""
    if len(text) <= LONGEST_NAME and cell_len(text) <= LONGEST_NAME:
        return Code(text)
    text = text[:LONGEST_NAME]  # before it is measured: it may be a whole input
    while cell_len(text) >= LONGEST_NAME:
        text = text[:-1]
    return Code(text + "…")
