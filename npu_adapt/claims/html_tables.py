"""Tables that a report writes in HTML: rows of texts with the line each begins on."""

from __future__ import annotations

import re
from html.parser import HTMLParser

Rows = list[tuple[int, tuple[str, ...]]]  # line within the block, and the texts of the cells


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Rows] = []
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._span = 1
        self._line = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self._row, self._line = [], self.getpos()[0] - 1
        elif tag in ("td", "th"):
            span = dict(attrs).get("colspan") or "1"
            self._cell, self._span = [], int(span) if span.isdecimal() else 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None and self._row is not None:
            text = " ".join("".join(self._cell).split())
            self._row += [text] * min(self._span, 50)
            self._cell = None
        elif tag == "tr" and self._row:
            if self.tables:
                self.tables[-1].append((self._line, tuple(self._row)))
            self._row = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


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
