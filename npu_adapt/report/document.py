"""What a report is made of, before it is Markdown, HTML or a terminal's lines.

Text in it is plain: whoever renders escapes it for the medium. `Code` and `Link` say what a piece of text is, `Tone`
what it means; how that looks is the renderer's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Tone = Literal["plain", "good", "bad", "caution"]


@dataclass(frozen=True)
class Code:
    """A name, path, hash or value, to be shown letter for letter."""

    text: str


@dataclass(frozen=True)
class Link:
    """An address; renderers make it a link only where it is plain http(s)."""

    url: str


Inline: TypeAlias = str | Code | Link


@dataclass(frozen=True)
class Paragraph:
    """One or more pieces set one after the other."""

    parts: tuple[Inline, ...]
    tone: Tone = "plain"


@dataclass(frozen=True)
class Listing:
    """Items of equal rank, each a short sentence."""

    items: tuple[Paragraph, ...]


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under titles. `caption` names the table; it carries the mark of a rehearsal."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Inline, ...], ...]


@dataclass(frozen=True)
class Verbatim:
    """Lines to be copied as they are: commands, a tool's output."""

    text: str
    language: str = "text"


Block: TypeAlias = Paragraph | Listing | Table | Verbatim


@dataclass(frozen=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """A whole report.

    `front_matter` holds what catalogues read, `directives` the lines that must stand bare in the body, `notices` what
    must be said before any figure.
    """

    title: str
    language: str
    front_matter: tuple[tuple[str, str | tuple[str, ...]], ...]
    directives: tuple[str, ...]
    notices: tuple[str, ...]
    sections: tuple[Section, ...]


def sentence(*parts: Inline, tone: Tone = "plain") -> Paragraph:
    return Paragraph(parts, tone)


def listing(items: Iterable[str], tone: Tone = "plain") -> Listing:
    return Listing(tuple(Paragraph((item,), tone) for item in items))


def is_plain_link(url: str) -> bool:
    """Whether `url` is http(s) in plain letters: safe to be made a link wherever it is shown."""
    return re.fullmatch(r"https?://[A-Za-z0-9._~/?#@!$&'()*+,;=%:-]+", url) is not None


def printable(text: str) -> str:
    """`text` on one line, with every character that could steer a terminal or a page shown as its escape.

    Line breaks and tabs become spaces; control characters, and the format characters that reorder or hide text,
    become `\\x1b`, `\\u202e` and the like.
    """
    if text.isprintable():
        return text
    spaced = " ".join(text.split()) if any(map(str.isspace, text)) else text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in spaced
    )
