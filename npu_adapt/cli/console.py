"""The two streams: results on stdout, everything else on stderr; and stdout kept clean for `--json`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from npu_adapt.cli.streams import text_output
from npu_adapt.progress import Progress, Silent

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from npu_adapt.report.phrases import Language


WIDEST = 10_000  # columns
UNKNOWN = 80  # columns where the terminal says 0, as those of some containers do


def stdout_console() -> Console:
    """Where tables go. Wide enough for a pipe to keep whole rows."""
    return _console(sys.stdout)


def stderr_console() -> Console:
    """Where progress and messages go."""
    return _console(sys.stderr)


def _console(stream: IO[str]) -> Console:
    from rich.console import Console

    console = Console(file=stream, highlight=False, soft_wrap=False)
    if not 0 < console.width <= WIDEST:  # COLUMNS may name any number: of 0 Rich prints nothing
        console.width = min(console.width or UNKNOWN, WIDEST)
    return console


def print_result(*renderables: RenderableType) -> None:
    """Prints results on stdout."""
    console = stdout_console()
    for renderable in renderables:
        console.print(renderable, crop=False)  # a line with a path may be wider than the console


def print_lines(text: str) -> None:
    """Lines on stdout, without Rich: what the stream's encoding does not have is shown as its escape."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


@contextmanager
def only_the_record() -> Iterator[IO[str]]:
    """While it lasts, whatever is written to stdout, from Python or from C, goes to stderr. Yields the true stdout."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # replaced by a test's buffer: only Python's own writes can be caught
        yield from _only_python(sys.stdout)
        return
    sys.stdout.flush()
    kept = os.dup(descriptor)
    os.dup2(sys.stderr.fileno(), descriptor)
    try:
        with text_output(kept, None, holds_results=True) as true_stdout:
            yield true_stdout
    finally:
        sys.stdout.flush()
        os.dup2(kept, descriptor)
        os.close(kept)


def _only_python(stdout: IO[str]) -> Iterator[IO[str]]:
    sys.stdout = sys.stderr
    try:
        yield stdout
    finally:
        sys.stdout = stdout


def progress_for(*, quiet: bool, language: Language = "en") -> Progress:
    """Progress as the user wants it: none, bars on a terminal, plain lines elsewhere."""
    if quiet:
        return Silent()
    if sys.stderr.isatty():
        from npu_adapt.cli.bars import Bars

        return Bars(stderr_console(), language)
    from npu_adapt.cli.lines import PlainLines

    return PlainLines(sys.stderr, language)
