"""What a console shows, as lines, and the letters behind it."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.text import Text

from npu_adapt.report.document import Block, Code, Inline, Link, Listing, Table, Verbatim
from npu_adapt.report.first.screen import FirstScreen
from npu_adapt.report.terminal import Heading, Screen


def drawn(renderable: RenderableType, width: int = 80, encoding: str = "utf-8") -> list[str]:
    """The lines that a console of that width and encoding writes, without the spaces at their ends."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    Console(file=file, width=width, highlight=False).print(renderable, crop=False)
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    return [line.rstrip() for line in file.buffer.getvalue().decode(encoding).splitlines()]


def inlines(shown: RenderableType) -> Iterator[Inline]:
    """Every piece of text that a screen is made of, before it is drawn."""
    if isinstance(shown, Group):
        for part in shown.renderables:
            yield from inlines(part)
    elif isinstance(shown, FirstScreen):
        yield from () if shown.head is None else shown.head.parts
        for line in (*shown.lines, *shown.end):
            yield from (line.label, *line.parts)
        for table in shown.tables:
            yield from of_block(table)
    elif isinstance(shown, Screen):
        for block in shown.blocks:
            yield from of_block(block)
    elif isinstance(shown, Heading):
        yield shown.title
    else:
        assert isinstance(shown, (Text, str)), type(shown)


def of_block(block: Block) -> Iterator[Inline]:
    """Every piece of text of a block; what is copied letter for letter is `Code`."""
    if isinstance(block, Verbatim):
        yield Code(block.text)
    elif isinstance(block, Table):
        yield block.caption
        yield from (column.title for column in block.columns)
        for row in block.rows:
            yield from row
    elif isinstance(block, Listing):
        for item in block.items:
            yield from item.parts
    else:
        yield from block.parts


def codes(shown: RenderableType) -> set[str]:
    """What must not be broken."""
    return {
        part.text if isinstance(part, Code) else part.url for part in inlines(shown) if isinstance(part, Code | Link)
    }
