"""The adapters that `docs/LANGUAGE/adapters.md` shows, by the name in their first line."""

from __future__ import annotations

import re
from pathlib import Path

DOCUMENTS = Path(__file__).parents[2] / "npu_adapt" / "docs"


def examples(language: str = "en") -> dict[str, str]:
    text = (DOCUMENTS / language / "adapters.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return {block.splitlines()[0].removeprefix("# "): block for block in blocks}
