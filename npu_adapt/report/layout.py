"""Lines of text for a console of a given width: words that wrap, columns that align, names that are never broken.

Widths are in cells: a Chinese character takes two. What is `Code` (a path, a hash, a command) stays on one line, even
where that line is then wider than the console, since a terminal lets one copy a line that it wraps itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias

from rich.cells import cell_len

from npu_adapt.report.document import Code, Column, Inline, Link

Letters: TypeAlias = Callable[[str], str]
GAP = 2  # cells between two columns
INDENT = 2  # of a cell that stands below its row

# Where a line of Chinese may not begin, and where it may not end.
CLOSING = "，。；：、！？）》」』”’％"
OPENING = "（《「『“‘"
_TOKENS = re.compile(r"\s+|[⺀-鿿豈-﫿　-〿＀-￯]|[^\s⺀-鿿豈-﫿　-〿＀-￯]+")
_WIDE = re.compile(r"[⺀-鿿豈-﫿　-〿＀-￯]")


@dataclass(frozen=True)
class Word:
    """Letters that stay together, and whether a space stands before them where they do not begin a line."""

    text: str
    spaced: bool

    @property
    def width(self) -> int:
        return cell_len(self.text)


def inline(part: Inline) -> str:
    """The letters of a piece of text."""
    if isinstance(part, Code):
        return part.text
    return part.url if isinstance(part, Link) else part


def words(parts: Sequence[Inline], letters: Letters) -> list[Word]:
    """The pieces that a line may be broken between: at spaces and beside Chinese characters, never within `Code`."""
    found: list[Word] = []
    before = ""  # the token before this one; empty where a space is between them
    spaced = False
    for part in parts:
        is_text = isinstance(part, str)
        for token in _TOKENS.findall(letters(inline(part))) if is_text else [letters(inline(part))]:
            if is_text and token.isspace():
                before, spaced = "", True
                continue
            if before and _stays_with(before, token):
                last = found.pop()
                found.append(Word(last.text + token, last.spaced))
            else:
                found.append(Word(token, spaced))
            before, spaced = token, False
    return found


def _stays_with(before: str, token: str) -> bool:
    """Whether no line may end between two neighbours: it may beside a Chinese character, but for marks."""
    if before in OPENING or token in CLOSING:
        return True
    return _WIDE.match(before[-1]) is None and _WIDE.match(token) is None


def joined(line: Sequence[Word]) -> str:
    """The words as one line."""
    return "".join((" " if word.spaced and at else "") + word.text for at, word in enumerate(line))


def wrap(parts: Sequence[Inline], width: int, letters: Letters) -> list[str]:
    """The text in lines of at most `width` cells; only a word that is wider than that stands out."""
    return wrapped(words(parts, letters), width)


def wrapped(text: Sequence[Word], width: int) -> list[str]:
    """The words in lines of at most `width` cells."""
    lines: list[list[Word]] = [[]]
    used = 0
    for word in text:
        needed = word.width + (1 if word.spaced and lines[-1] else 0)
        if lines[-1] and used + needed > width:
            lines.append([])
            used, needed = 0, word.width
        lines[-1].append(word)
        used += needed
    return [joined(line) for line in lines]


def width_of(text: str) -> int:
    """How many cells a terminal gives it."""
    return cell_len(text)


def padded(text: str, width: int, *, right: bool = False) -> str:
    """`text` filled with spaces to `width` cells; flush right on demand."""
    fill = " " * max(0, width - cell_len(text))
    return fill + text if right else text + fill


@dataclass(frozen=True)
class Cell:
    """A cell's words, and how wide it is in one line and at its narrowest."""

    words: tuple[Word, ...]
    natural: int
    least: int


def cell_of(part: Inline, letters: Letters, *, numeric: bool) -> Cell:
    """Numbers are never wrapped."""
    found = tuple(words((part,), letters))
    natural = cell_len(joined(found))
    least = natural if numeric else max((word.width for word in found), default=0)
    return Cell(found, natural, least)


def table(columns: Sequence[Column], rows: Sequence[Sequence[Inline]], width: int, letters: Letters) -> list[str]:
    """Rows under their titles. A name that leaves no room for the other columns stands below its row.

    A table of two columns without numbers is a list of facts and has no need of titles.
    """
    return [*grid(columns, rows, letters).lines(width, letters("─"))]


def fits(columns: Sequence[Column], rows: Sequence[Sequence[Inline]], width: int, letters: Letters) -> bool:
    """Whether every row is one line or more of its own columns, with nothing below it."""
    return grid(columns, rows, letters).fits(width)


def grid(columns: Sequence[Column], rows: Sequence[Sequence[Inline]], letters: Letters) -> Grid:
    """The cells of a table."""
    numeric = tuple(column.numeric for column in columns)
    titles = [cell_of(column.title, letters, numeric=False) for column in columns]
    cells = [[cell_of(part, letters, numeric=n) for part, n in zip(row, numeric, strict=True)] for row in rows]
    titled = len(columns) != 2 or any(numeric)
    return Grid(numeric, titles if titled else [], cells)


@dataclass(frozen=True)
class Grid:
    """The cells of one table. `titles` is empty where it has none."""

    numeric: Sequence[bool]
    titles: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]

    def lines(self, width: int, rule: str) -> Iterator[str]:
        limit = self._limit(width)
        extents = [self._extent(at, limit) for at in range(len(self.numeric))]
        shown = [at for at, (_, natural) in enumerate(extents) if natural]
        widths = _narrowed([extents[at] for at in shown], width)
        if self.titles:
            yield from self._row([self.titles[at] for at in shown], shown, widths)
            yield rule * (sum(widths) + GAP * (len(shown) - 1))
        for row in self.rows:
            fits = [row[at] if _is_within(row[at], at, limit) else Cell((), 0, 0) for at in shown]
            yield from self._row(fits, shown, widths)
            for at, cell in enumerate(row):
                if not _is_within(cell, at, limit):
                    yield from self._below(cell, at, width)

    def fits(self, width: int) -> bool:
        """Whether no cell has to stand below its row."""
        return self._fits(width, max((cell.least for row in self.rows for cell in row), default=0))

    def _row(self, cells: Sequence[Cell], shown: Sequence[int], widths: Sequence[int]) -> Iterator[str]:
        columns = [wrapped(cell.words, own) for cell, own in zip(cells, widths, strict=True)]
        right = [self.numeric[at] for at in shown]
        for parts in zip_longest(*columns, fillvalue=""):
            filled = (padded(part, own, right=r) for part, own, r in zip(parts, widths, right, strict=True))
            yield (" " * GAP).join(filled).rstrip()

    def _below(self, cell: Cell, at: int, width: int) -> Iterator[str]:
        title = self.titles[at].words if self.titles else ()
        first = (Word(cell.words[0].text, spaced=True), *cell.words[1:])
        for line in wrapped((*title, *first), width - INDENT):
            yield " " * INDENT + line

    def _limit(self, width: int) -> int:
        """How wide the longest name of a cell may be to stand in its row: the most that lets all columns fit."""
        limits = sorted({cell.least for row in self.rows for cell in row[1:]} | {0}, reverse=True)
        return next((limit for limit in limits if self._fits(width, limit)), 0)

    def _fits(self, width: int, limit: int) -> bool:
        least = [self._extent(at, limit)[0] for at in range(len(self.numeric))]
        return sum(least) + GAP * (sum(map(bool, least)) - 1) <= width

    def _extent(self, at: int, limit: int) -> tuple[int, int]:
        """The least and the natural width of a column; zeros where no cell of it stands in its row."""
        cells = [row[at] for row in self.rows if _is_within(row[at], at, limit)]
        if self.titles and (cells or not self.rows):
            cells = [*cells, self.titles[at]]
        return max((cell.least for cell in cells), default=0), max((cell.natural for cell in cells), default=0)


def _is_within(cell: Cell, at: int, limit: int) -> bool:
    """Whether a cell stands in its row: what the row is called always does."""
    return at == 0 or cell.least <= limit


def _narrowed(extents: Sequence[tuple[int, int]], width: int) -> list[int]:
    """Each column as wide as it would be, the widest made narrower until all fit."""
    widths = [natural for _, natural in extents]
    for _ in range(sum(widths) + GAP * (len(widths) - 1) - width):
        wrappable = [at for at, (least, _) in enumerate(extents) if widths[at] > least]
        if not wrappable:
            break
        widths[max(wrappable, key=widths.__getitem__)] -= 1
    return widths
