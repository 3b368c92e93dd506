"""Blocks drawn with Rich: at any width, with or without colour, on terminals that know only ASCII.

A path or a hash is never broken: its line may be wider than the console, so print with `crop=False`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from npu_adapt.report.document import Block, Listing, Paragraph, Report, Table, Tone, Verbatim, printable
from npu_adapt.report.layout import table, wrap

STYLES: dict[Tone, str] = {"plain": "", "good": "bold green", "bad": "bold red", "caution": "yellow"}
# What a terminal without Unicode reads instead. Everything else that it cannot encode is shown as its escape.
ASCII = str.maketrans(
    {
        "≤": "<=",
        "≥": ">=",
        "×": "x",
        "·": "-",
        "–": "-",
        "—": "-",
        "−": "-",
        "…": "...",
        "‖": "||",
        "²": "^2",
        "─": "-",
    }
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
            yield from draw(block, options.max_width, letters)


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
        yield unbroken(legible(options.encoding)(self.title), "bold underline")


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


def unbroken(line: str, style: str = "") -> Text:
    """One line, letter for letter."""
    return Text(line, style=style, no_wrap=True, overflow="ignore")


def draw(block: Block, width: int, letters: Callable[[str], str]) -> Iterator[Text]:
    """The lines of a block."""
    if isinstance(block, Table):
        if block.caption:
            yield from (unbroken(line, "bold") for line in wrap((block.caption,), width, letters))
        yield from (unbroken(line) for line in table(block.columns, block.rows, width, letters))
    elif isinstance(block, Verbatim):
        yield from (unbroken("  " + letters(line), "cyan") for line in block.text.splitlines())
    elif isinstance(block, Listing):
        for item in block.items:
            yield from draw_paragraph(item, width, letters, bullet="- ")
    else:
        yield from draw_paragraph(block, width, letters)


def draw_paragraph(paragraph: Paragraph, width: int, letters: Callable[[str], str], bullet: str = "") -> Iterator[Text]:
    """A hanging bullet, so that a wrapped item stays one item."""
    for at, line in enumerate(wrap(paragraph.parts, width - len(bullet), letters)):
        yield unbroken((" " * len(bullet) if at else bullet) + line, STYLES[paragraph.tone])
