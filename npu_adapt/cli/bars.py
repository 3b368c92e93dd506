"""Progress as it is drawn: one display of bars on a terminal, now and then a line where nobody watches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from npu_adapt import rounding
from npu_adapt.progress import SILENT_STEP, Step
from npu_adapt.report.document import printable

LINE_EVERY = 10.0  # seconds between two lines about one step


class _ForBytes(ProgressColumn):
    """A column that stays empty for steps that do not count bytes."""

    def __init__(self, column: ProgressColumn) -> None:
        self._column = column
        super().__init__()

    def render(self, task: Task) -> Text:
        if task.fields["unit"] != "bytes":
            return Text()
        text = self._column.render(task)
        assert isinstance(text, Text)
        return text


class _Bar:
    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars = bars
        self._task = task

    def advance(self, amount: float) -> None:
        self._bars.advance(self._task, amount)

    def update(self, *, description: str | None = None, total: float | None = None) -> None:
        self._bars.update(self._task, description=None if description is None else printable(description), total=total)


class Bars:
    """All running steps in one display on a terminal; those that count bytes with amount, rate and time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            _ForBytes(DownloadColumn(binary_units=True)),
            _ForBytes(TransferSpeedColumn()),
            _ForBytes(TimeRemainingColumn()),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._lock = Lock()
        self._running = 0

    @contextmanager
    def task(self, description: str, total: float | None = None, unit: str = "") -> Iterator[Step]:
        with self._lock:
            if self._running == 0:
                self._bars.start()
            self._running += 1
        task = self._bars.add_task(printable(description), total=total, unit=unit)
        try:
            yield _Bar(self._bars, task)
        finally:
            self._bars.remove_task(task)
            with self._lock:
                self._running -= 1
                if self._running == 0:
                    self._bars.stop()

    def say(self, message: str) -> None:
        self._console.print(printable(message), markup=False)


class _Lines:
    """Says how far a step that counts bytes has come, every so often."""

    def __init__(self, lines: PlainLines, description: str, total: float | None) -> None:
        self._lines = lines
        self._description, self._total = description, total
        self._done = 0.0
        self._began = self._said = time.monotonic()

    def advance(self, amount: float) -> None:
        self._done += amount
        now = time.monotonic()
        if now - self._said < LINE_EVERY:
            return
        self._said = now
        rate = self._done / (now - self._began)
        shown = f"{self._description}: {rounding.size(int(self._done))}, {rounding.size(int(rate))}/s"
        if self._total and rate > 0:
            left = max(0.0, self._total - self._done) / rate
            shown += f", {self._done / self._total:.0%} of {rounding.size(int(self._total))}, {left:.0f} s left"
        self._lines.say(shown)

    def update(self, *, description: str | None = None, total: float | None = None) -> None:
        self._description = description or self._description
        self._total = self._total if total is None else total


class PlainLines:
    """Lines for a file or a pipe: what is said, and how far bytes have come."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def task(self, description: str, total: float | None = None, unit: str = "") -> Iterator[Step]:
        yield _Lines(self, description, total) if unit == "bytes" else SILENT_STEP

    def say(self, message: str) -> None:
        self._console.print(printable(message), markup=False)
