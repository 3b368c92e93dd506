"""The two streams: results on stdout, everything else on stderr; and stdout kept clean for `--json`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from npu_adapt.progress import Progress, Silent, Step

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress as RichBars
    from rich.progress import TaskID


def stdout_console() -> Console:
    """Where tables go. Wide enough for a pipe to keep whole rows."""
    return _console(sys.stdout)


def stderr_console() -> Console:
    """Where progress and messages go."""
    return _console(sys.stderr)


def _console(stream: IO[str]) -> Console:
    from rich.console import Console

    return Console(file=stream, highlight=False, soft_wrap=False)


def print_result(*renderables: RenderableType) -> None:
    """Prints results on stdout."""
    console = stdout_console()
    for renderable in renderables:
        console.print(renderable)


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
        with os.fdopen(os.dup(kept), "w", encoding="utf-8") as true_stdout:
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


class _Bar:
    def __init__(self, bars: RichBars, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def advance(self, amount: float) -> None:
        self._bars.advance(self._task, amount)

    def update(self, *, description: str | None = None, total: float | None = None) -> None:
        self._bars.update(self._task, description=description, total=total)


class RichProgress:
    """A `Progress` drawn with Rich on stderr; plain lines where stderr is not a terminal."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichBars

        self._console = stderr_console()
        self._bars = RichBars(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[done]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._running = 0

    @contextmanager
    def task(self, description: str, total: float | None = None, unit: str = "") -> Iterator[Step]:
        if self._running == 0:
            self._bars.start()
        self._running += 1
        task = self._bars.add_task(description, total=total, done="")
        try:
            yield _Bar(self._bars, task)
        finally:
            self._bars.remove_task(task)
            self._running -= 1
            if self._running == 0:
                self._bars.stop()

    def say(self, message: str) -> None:
        self._console.print(message, markup=False)


def progress_for(*, quiet: bool) -> Progress:
    """Progress as the user wants it."""
    return Silent() if quiet else RichProgress()
