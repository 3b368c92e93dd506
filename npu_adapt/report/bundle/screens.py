"""Pictures of what the commands printed: their first screens, drawn by Rich from the record."""

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
SHOWN = Path("logs")  # where the bundle's evidence lies, seen from the bundle


def pictures(summary: Summary, language: Language) -> Iterator[tuple[str, str]]:
    """Name and SVG of the first screen of each command whose figures are in the record."""
    commands: tuple[Command, ...] = ("infer", "compare", "bench")
    for command in commands:
        if command in summary.commands:
            yield f"screens/{command}.svg", picture(summary, command, language)


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
