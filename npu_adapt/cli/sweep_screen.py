"""What is seen of a sweep while it runs: a table on a terminal, lines in a file or a pipe, nothing with `--quiet`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from npu_adapt.cli.options import Output
from npu_adapt.records import Fact
from npu_adapt.records.sweep import LostDevice, Placement, SweepRow
from npu_adapt.report.document import printable
from npu_adapt.report.phrases import Language
from npu_adapt.report.phrases.facts import told
from npu_adapt.report.sweep.words import cause_words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from npu_adapt.workflows.sweep.plan import Job

MOST_RUNNING = 12  # running models that a terminal shows


class Screen:
    """Says one line for each thing that happens."""

    def __init__(self, stream: TextIO | None, language: Language) -> None:
        self._stream = stream
        self._language = language
        self._models = self._done = 0

    def begins(self, name: str, jobs: int, finished: int, places: tuple[Placement, ...]) -> None:
        self._models, self._done = jobs, finished
        where = tuple(dict.fromkeys(place.device for place in places))
        self.says(Fact("begins", {"name": name, "models": jobs, "finished": finished, "places": where}))

    def says(self, fact: Fact) -> None:
        self._line(self._words(fact))

    def started(self, job: Job, placement: Placement, command: str) -> None:
        pass

    def ended(self, row: SweepRow) -> None:
        self._done += 1
        self.says(self._end_of(row))

    def lost(self, device: LostDevice) -> None:
        cause = cause_words(device.cause, self._language)
        self.says(Fact("lost", {"device": device.placement.device, "model": device.model, "cause": cause}))

    def _end_of(self, row: SweepRow) -> Fact:
        return Fact(
            "ended",
            {
                "done": self._done,
                "models": self._models,
                "status": row.status,
                "model": row.name,
                "device": row.placement.device if row.placement else "",
                "seconds": row.seconds,
                "why": "" if row.cause is None else cause_words(row.cause, self._language),
            },
        )

    def _words(self, fact: Fact) -> str:
        return printable(told("sweep", fact, self._language))

    def _line(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text + "\n")
            self._stream.flush()


class LiveScreen(Screen):
    """A table of what runs, below the lines of what has ended, drawn again as it changes."""

    def __init__(self, language: Language) -> None:
        super().__init__(None, language)
        from rich.live import Live

        from npu_adapt.cli.console import stderr_console

        self._running: dict[Placement, tuple[str, str, float]] = {}
        self._console = stderr_console()
        self._live = Live(get_renderable=self._drawn, console=self._console, refresh_per_second=2, transient=True)

    @contextmanager
    def shown(self) -> Iterator[LiveScreen]:
        with self._live:
            yield self

    def started(self, job: Job, placement: Placement, command: str) -> None:
        model, _, since = self._running.get(placement, ("", "", time.monotonic()))
        self._running[placement] = (job.name, command, since if model == job.name else time.monotonic())

    def ended(self, row: SweepRow) -> None:
        if row.placement is not None:
            self._running.pop(row.placement, None)
        super().ended(row)

    def lost(self, device: LostDevice) -> None:
        self._running.pop(device.placement, None)
        super().lost(device)

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    def _drawn(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        now = time.monotonic()
        table = Table.grid(padding=(0, 2))
        for placement, (model, command, since) in sorted([*self._running.items()], key=lambda item: item[0].device):
            if table.row_count == MOST_RUNNING:
                break
            table.add_row(placement.device, printable(model), command, f"{now - since:.0f} s")
        table.add_row(f"{self._done}/{self._models}", ProgressBar(max(1, self._models), self._done, width=40))
        return table


@contextmanager
def screen_for(output: Output) -> Iterator[Screen]:
    """The screen that the user wants."""
    if output.quiet:
        yield Screen(None, output.language)
    elif sys.stderr.isatty():
        with LiveScreen(output.language).shown() as screen:
            yield screen
    else:
        yield Screen(sys.stderr, output.language)
