"""The picture of a screen in the README: `python -m tests.report.picture` draws it anew from a kept summary."""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from npu_adapt.report.screens import screen
from tests.report.keep_summaries import KEPT, kept

NAME = "compare-failed"
PICTURE = Path(__file__).parents[2] / "npu_adapt" / "docs" / "compare.svg"
WIDTH = 104
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)  # fonts of the reader's machine


def picture() -> str:
    """A terminal with the command and its first screen, as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    command = " ".join(("npu-adapt", *KEPT[NAME].command))
    console.print(Text(f"$ {command}", style="bold"))
    console.print(screen("compare", kept(NAME), "en", Path("logs")), crop=False)
    return console.export_svg(title=command, unique_id="npu-adapt", code_format=FORMAT) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"wrote {PICTURE}")
