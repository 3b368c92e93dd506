"""Pictures of what the commands printed: their first screens, drawn by Rich from the record, as SVG and as PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from npu_adapt.records import Summary
from npu_adapt.report.phrases import Language

if TYPE_CHECKING:
    from npu_adapt.report.screens import Command

WIDTH = 104  # columns
ZOOM = 1.5  # pixels of a PNG for each unit of its SVG
MONOSPACE: dict[Language, str] = {"en": "DejaVu Sans Mono", "zh": "Noto Sans Mono CJK SC"}  # else another one
SAMPLE = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><text y="22">{text}</text></svg>'
SHOWN = Path("logs")  # where the bundle's evidence lies, seen from the bundle


def pictures(summary: Summary, language: Language) -> Iterator[tuple[str, str]]:
    """Name and SVG of the first screen of each command whose figures are in the record."""
    commands: tuple[Command, ...] = ("infer", "compare", "bench")
    for command in commands:
        if command in summary.commands:
            yield f"screens/{command}.svg", picture(summary, command, language)


def as_png(svg: str, language: Language) -> bytes | None:
    """The same picture in pixels.

    None: resvg is not installed (extra `[pictures]`), or no font on this machine has the letters.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        return None
    letter = "国" if language == "zh" else "M"
    shown, empty = (svg_to_bytes(svg_string=SAMPLE.format(text=text)) for text in (letter, ""))
    if shown == empty:
        return None
    return bytes(svg_to_bytes(svg_string=svg, zoom=ZOOM, monospace_family=MONOSPACE[language]))


def picture(summary: Summary, command: Command, language: Language) -> str:
    """A terminal with the command line and its first screen, in fonts of the reader's machine."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console
    from rich.text import Text

    from npu_adapt.report.screens import screen

    form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ {summary.commands[command]}", style="bold"))
    console.print(screen(command, summary, language, SHOWN), crop=False)
    return console.export_svg(title=f"npu-adapt {command}", unique_id=command, code_format=form) + "\n"
