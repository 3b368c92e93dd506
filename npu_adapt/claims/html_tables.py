"""Tables that a report writes in HTML: rows of texts with the line each begins on."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

MOST_SPANNED = 50  # columns or rows of one cell


class HtmlRow(NamedTuple):
    line: int  # within the block
    cells: tuple[str, ...]
    is_header: bool  # all its cells are headers


Rows = list[HtmlRow]


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Rows] = []
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._spans = (1, 1)  # columns and rows of the cell
        self._reaching: dict[int, tuple[str, int]] = {}  # by column: a cell from above, and how many rows it goes on
        self._is_header = True
        self._line = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
            self._reaching = {}
        elif tag == "tr":
            self._row, self._line, self._is_header = [], self.getpos()[0] - 1, True
        elif tag in ("td", "th"):
            named = dict(attrs)
            self._cell, self._spans = [], (_span(named.get("colspan")), _span(named.get("rowspan")))
            self._is_header = self._is_header and tag == "th"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None and self._row is not None:
            self._reached()
            text, (columns, rows) = " ".join("".join(self._cell).split()), self._spans
            if rows > 1:
                self._reaching |= {len(self._row) + at: (text, rows) for at in range(columns)}
            self._row += [text] * columns
            self._cell = None
        elif tag == "tr" and self._row:
            self._reached()
            self._reaching = {at: (text, rows - 1) for at, (text, rows) in self._reaching.items() if rows > 1}
            if self.tables:
                self.tables[-1].append(HtmlRow(self._line, tuple(self._row), self._is_header))
            self._row = None

    def _reached(self) -> None:
        """Takes the cells from above that stand in the next columns."""
        assert self._row is not None
        while (above := self._reaching.get(len(self._row))) is not None:
            self._row.append(above[0])

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def _span(given: str | None) -> int:
    return min(int(given), MOST_SPANNED) if given and given.isdecimal() and int(given) > 0 else 1


def html_tables(content: str) -> tuple[list[Rows], str]:
    """The tables of a block of HTML, and the block without them, its lines where they were."""
    parser = _Tables()
    parser.feed(content)
    parser.close()
    rest = re.sub(r"<table.*?(?:</table>|\Z)", lambda m: "\n" * m[0].count("\n"), content, flags=re.DOTALL | re.I)
    return [rows for rows in parser.tables if rows], rest


_IS_PAGE = re.compile(r"\s*<(?:!doctype html|html)\b", re.IGNORECASE)
_HIDDEN = re.compile(
    r"<(style|script|template)\b.*?</\1>|<(\w+)\b[^<>]*\s(?:popover|hidden)\b[^<>]*>.*?</\2>", re.DOTALL | re.IGNORECASE
)


def without_hidden(text: str) -> str:
    """A page without what a reader of it does not see until he asks; any other text as it is. Lines stay in place."""
    if not _IS_PAGE.match(text):
        return text
    return _HIDDEN.sub(lambda match: "\n" * match[0].count("\n"), text)


def without_tags(text: str) -> str:
    """The text between tags; a comment is none."""
    return re.sub(r"<!--.*?(?:-->|\Z)|</?[A-Za-z][^>]*>", " ", text)
