"""Progress on a terminal: one display of bars."""

from __future__ import annotations

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
)
from rich.text import Text

from npu_adapt import rounding
from npu_adapt.progress import Said, Step
from npu_adapt.report.document import printable
from npu_adapt.report.language import spoken
from npu_adapt.report.phrases import Language


class _Rate(ProgressColumn):
    """Bytes a second, in the units that sizes have everywhere."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{rounding.size(int(speed))}/s")


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

    def __init__(self, console: Console, language: Language = "en") -> None:
        self._console = console
        self._language = language
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            _ForBytes(DownloadColumn(binary_units=True)),
            _ForBytes(_Rate()),
            _ForBytes(TimeRemainingColumn()),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._lock = Lock()
        self._running = 0

    @contextmanager
    def task(self, description: Said, total: float | None = None, unit: str = "") -> Iterator[Step]:
        with self._lock:
            if self._running == 0:
                self._bars.start()
            self._running += 1
        task = self._bars.add_task(printable(spoken(description, self._language)), total=total, unit=unit)
        try:
            yield _Bar(self._bars, task)
        finally:
            self._bars.remove_task(task)
            with self._lock:
                self._running -= 1
                if self._running == 0:
                    self._bars.stop()

    def say(self, message: Said) -> None:
        self._console.print(printable(spoken(message, self._language)), markup=False)
