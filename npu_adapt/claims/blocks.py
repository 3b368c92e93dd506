"""A Markdown report as blocks, each with the number of its line: headings, lines of text, tables, code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from npu_adapt.claims.html_tables import html_tables, without_hidden, without_tags
from npu_adapt.claims.text import plain

if TYPE_CHECKING:
    from markdown_it.token import Token


@dataclass(frozen=True)
class Heading:
    line: int
    text: str
    level: int


@dataclass(frozen=True)
class Text:
    """One line of prose or of a list. `above` are the items that it is an item of, the outermost first."""

    line: int
    text: str
    above: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """`header` has no texts where the table has none."""

    line: int
    header: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Code:
    """Fenced or indented, line by line."""

    lines: tuple[Text, ...]
    language: str


Block = Heading | Text | Table | Code

_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)---[ \t]*(?:\n|\Z)", re.DOTALL)
_PIPED = re.compile(r"^\s*\|.*\|\s*$")
_RULE = re.compile(r"^[\s|:+=-]+$")


def front_matter(text: str) -> tuple[str, int]:
    """The YAML at the top, and how many lines it takes; empty where there is none."""
    match = _FRONT.match(text)
    return (match[1], match[0].count("\n")) if match else ("", 0)


def blocks_of(text: str) -> tuple[Block, ...]:
    """The blocks of a report in their order. Line numbers begin at 1 and count the front matter."""
    from markdown_it import MarkdownIt

    _, skipped = front_matter(text)
    body = "\n" * skipped + "".join(text.splitlines(keepends=True)[skipped:])
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return tuple(_walk(parser.parse(plain(without_hidden(body)))))


def _walk(tokens: Sequence[Token]) -> Iterator[Block]:
    at = 0
    items: list[str] = []  # the texts of the list items that are open
    while at < len(tokens):
        token = tokens[at]
        if token.type == "list_item_open":
            items.append("")
        elif token.type == "list_item_close":
            items.pop()
        elif token.type == "heading_open":
            yield Heading(_line(token), _inline(tokens[at + 1]), int(token.tag[1:]))
        elif token.type == "inline" and tokens[at - 1].type == "paragraph_open":
            above = tuple(item for item in items[:-1] if item)
            for block in _paragraph(token):
                yield replace(block, above=above) if isinstance(block, Text) else block
            if items and not items[-1]:
                items[-1] = _inline(token).split("\n")[0].strip()
        elif token.type == "table_open":
            end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
            yield _table(tokens[at:end])
            at = end
        elif token.type in ("fence", "code_block"):
            first = _line(token) + (token.type == "fence")
            lines = token.content.rstrip("\n").split("\n")
            language = token.info.strip().split(" ")[0] if token.info.strip() else ""
            yield Code(tuple(Text(first + n, line) for n, line in enumerate(lines)), language)
        elif token.type == "html_block":
            yield from _html(token.content, _line(token))
        at += 1


def _line(token: Token) -> int:
    """The line on which a block begins."""
    return token.map[0] + 1 if token.map else 1


def _inline(token: Token) -> str:
    """The letters of an inline token, line breaks kept."""
    parts: list[str] = []
    for child in token.children or ():
        if child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type == "image":
            parts.append(" ")
        elif child.type == "html_inline":
            parts.append("\n" if child.content.lower().startswith("<br") else " ")
        elif child.type == "link_open":
            target = str(child.attrs.get("href", ""))
            if target.startswith("http"):
                parts.append(f" {target} ")
        else:
            parts.append(child.content)
    return "".join(parts)


def _paragraph(token: Token) -> Iterator[Block]:
    """The lines of a paragraph; a table that Markdown does not take for one is a table still."""
    raw = token.content.split("\n")
    first = _line(token)
    if len(raw) > 1 and sum(bool(_PIPED.match(line)) for line in raw) >= 2:
        yield from _piped(raw, first)
        return
    for number, line in enumerate(_inline(token).split("\n")):
        if line.strip():
            yield Text(min(first + number, first + len(raw) - 1), line.strip())


def _piped(lines: Sequence[str], first: int) -> Iterator[Block]:
    rows: list[Row] = []
    for number, line in enumerate(lines):
        if _PIPED.match(line) and not _RULE.match(line):
            cells = tuple(without_marks(cell.strip()) for cell in line.strip().strip("|").split("|"))
            rows.append(Row(first + number, cells))
        elif not _RULE.match(line) and line.strip():
            yield Text(first + number, without_marks(line.strip()))
    if rows and _holds_values(rows):
        yield Table(rows[0].line, ("",) * len(rows[0].cells), tuple(rows))
    elif rows:
        yield Table(rows[0].line, rows[0].cells, tuple(rows[1:]))


def _holds_values(rows: Sequence[Row]) -> bool:
    """Whether the first row of a table without a rule is one of names and values, and no header."""
    cells = rows[0].cells
    return (len(cells) == 2 and bool(re.search(r"\d", cells[1]))) or any(map(_VALUE.match, cells))


_VALUE = re.compile(r"\s*[\d.,]+\s*(?:%|[a-zA-Z]{1,3})?\s*$")


def without_marks(text: str) -> str:
    """A line of Markdown without its emphasis and code marks."""
    return re.sub(r"[`*]|(?<!\w)_|_(?!\w)", "", text)


def _table(tokens: Sequence[Token]) -> Table:
    header: tuple[str, ...] = ()
    rows: list[Row] = []
    cells: list[str] = []
    in_head, line = False, _line(tokens[0])
    for at, token in enumerate(tokens):
        if token.type == "thead_open":
            in_head = True
        elif token.type == "thead_close":
            in_head = False
        elif token.type == "tr_open":
            cells, line = [], _line(token)
        elif token.type in ("th_open", "td_open"):
            cells.append(_inline(tokens[at + 1]).replace("\n", " ").strip())
        elif token.type == "tr_close":
            if in_head:
                header = tuple(cells)
            else:
                rows.append(Row(line, tuple(cells)))
    return Table(_line(tokens[0]), header, tuple(rows))


def _html(content: str, first: int) -> Iterator[Block]:
    """Tables of HTML, and the text around them line by line."""
    found, rest = html_tables(content)
    for rows in found:
        heads = max(1, next((at for at, row in enumerate(rows) if not row.is_header), len(rows)))
        parsed = tuple(Row(first + row.line, row.cells) for row in rows)
        yield Table(parsed[0].line, _joined([row.cells for row in rows[:heads]]), parsed[heads:])
    for number, line in enumerate(rest.split("\n")):
        text = without_tags(line).strip()
        if text:
            yield Text(first + number, text)


def _joined(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Headers of several rows as one: what stands above a column, from the outermost to its own."""
    return tuple(
        " ".join(dict.fromkeys(cell for cell in column if cell)) for column in zip_longest(*rows, fillvalue="")
    )
