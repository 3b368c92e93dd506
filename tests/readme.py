"""The README's commands, run as it shows them: `python -m tests.readme` where the package is installed.

A block marked `console` runs anywhere: each of its commands must end with 0, one after the other in one empty folder. A
second word after `console` says what a block needs that is not everywhere (`ascend`, `hub`, `benchmark`); of those
commands `test_readme.py` checks that they exist and take the options shown. Needs nothing beyond Python.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```console *(?P<needs>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
# What the README tells to install is what this runs in, and its test command is what runs this.
DONE_ALREADY = (("pip", "install"), ("python", "-m", "pytest"), ("source",))


@dataclass(frozen=True)
class Command:
    """One command of a block; `needs` is empty for one that runs anywhere."""

    arguments: tuple[str, ...]
    needs: str

    def __str__(self) -> str:
        return shlex.join(self.arguments)


def commands(text: str) -> Iterator[Command]:
    """Every command after a `$`, those joined by `&&` apart, without those that have been done already."""
    for block in BLOCK.finditer(text):
        for line in block["body"].splitlines():
            if line.startswith("$ "):
                for part in line[2:].split("&&"):
                    arguments = tuple(shlex.split(part, comments=True))
                    if not any(arguments[: len(start)] == start for start in DONE_ALREADY):
                        yield Command(arguments, block["needs"])


def shown() -> tuple[Command, ...]:
    """The README's commands."""
    return tuple(commands(README.read_text(encoding="utf-8")))


def run(command: Command, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command in `folder`, found beside this interpreter first, with no setting of the user's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NPU_ADAPT_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["NPU_ADAPT_CACHE"] = str(folder / "cache")
    return subprocess.run(
        command.arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def main() -> int:
    failed = 0
    with tempfile.TemporaryDirectory(prefix="npu-adapt-readme-") as folder:
        for command in shown():
            if command.needs:
                continue
            started = time.monotonic()
            done = run(command, Path(folder))
            print(f"exit {done.returncode}, {time.monotonic() - started:5.1f} s: {command}")
            if done.returncode:
                failed += 1
                print(done.stdout + done.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
