"""Blocks drawn with Rich: at any width, with or without colour, on terminals that know only ASCII."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from npu_adapt.report.document import (
    Block,
    Code,
    Inline,
    Link,
    Listing,
    Paragraph,
    Report,
    Table,
    Tone,
    Verbatim,
    printable,
)

STYLES: dict[Tone, str] = {"plain": "", "good": "bold green", "bad": "bold red", "caution": "yellow"}
# What a terminal without Unicode reads instead. Everything else that it cannot encode is shown as its escape.
ASCII = str.maketrans(
    {"≤": "<=", "≥": ">=", "×": "x", "·": "-", "–": "-", "—": "-", "−": "-", "…": "...", "‖": "||", "²": "^2"}
)

SPACED = (Table, Verbatim)  # set apart from what stands before and after them


class Screen:
    """Blocks as one Rich renderable, in the letters that the console's encoding has."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = tuple(blocks)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        letters = legible(options.encoding)
        for position, block in enumerate(self.blocks):
            if position and (isinstance(block, SPACED) or isinstance(self.blocks[position - 1], SPACED)):
                yield Text()
            yield draw(block, letters)


def report_screen(report: Report) -> RenderableType:
    """A whole report for a terminal: the sections under their titles."""
    notices = (Paragraph((notice,), "caution") for notice in report.notices)
    parts: list[RenderableType] = [Heading(report.title), Screen(tuple(notices))]
    for section in report.sections:
        blocks = [untitled(block, section.title) for block in section.blocks]
        parts += [Text(), Heading(section.title), Screen(blocks)]
    return Group(*parts)


def untitled(block: Block, title: str) -> Block:
    """A table that would only repeat the title above it loses its caption."""
    return replace(block, caption="") if isinstance(block, Table) and block.caption == title else block


class Heading:
    """A title on a line of its own."""

    def __init__(self, title: str) -> None:
        self.title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(legible(options.encoding)(self.title), style="bold underline")


def legible(encoding: str) -> Callable[[str], str]:
    """A function that makes text one safe line which `encoding` can write."""

    def letters(text: str) -> str:
        shown = printable(text)
        try:
            shown.encode(encoding)
        except UnicodeEncodeError:
            return shown.translate(ASCII).encode(encoding, "backslashreplace").decode(encoding)
        return shown

    return letters


def draw(block: Block, letters: Callable[[str], str]) -> RenderableType:
    """The block as Rich draws it."""
    if isinstance(block, Table):
        return draw_table(block, letters)
    if isinstance(block, Verbatim):
        lines = [letters(line) for line in block.text.splitlines()]
        return Padding(Text("\n".join(lines), style="cyan"), (0, 0, 0, 2))
    if isinstance(block, Listing):
        return Group(*(draw_item(item, letters) for item in block.items))
    return draw_paragraph(block, letters)


def draw_paragraph(paragraph: Paragraph, letters: Callable[[str], str]) -> Text:
    return Text("".join(letters(plain(part)) for part in paragraph.parts), style=STYLES[paragraph.tone])


def draw_item(item: Paragraph, letters: Callable[[str], str]) -> RenderableType:
    """A hanging dash, so that a wrapped item stays one item."""
    grid = RichTable.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row("-", draw_paragraph(item, letters))
    return grid


def draw_table(table: Table, letters: Callable[[str], str]) -> RichTable:
    """Numbers are never cut or wrapped; names fold where the width is short."""
    drawn = RichTable(
        title=Text(letters(table.caption), style="bold") if table.caption else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    for column in table.columns:
        drawn.add_column(
            Text(letters(column.title)),
            justify="right" if column.numeric else "left",
            no_wrap=column.numeric,
            overflow="fold",
        )
    for row in table.rows:
        drawn.add_row(*(Text(letters(plain(cell))) for cell in row))
    return drawn


def plain(part: Inline) -> str:
    if isinstance(part, Code):
        return part.text
    return part.url if isinstance(part, Link) else part
