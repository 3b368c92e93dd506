"""One model on one device: its commands one after the other, each a fresh process, and the row that comes of them.

The same code runs on this machine and on those of a Ray cluster.
"""

from __future__ import annotations

import hashlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from msgspec.structs import replace

from npu_adapt.errors import ExitCode, RunFailed
from npu_adapt.evidence import LOG_FILES, SUMMARY_FILE, read_summary, utc_now
from npu_adapt.records import Summary
from npu_adapt.records.sweep import Cause, Identity, ModelFigures, Placement, SweepRow, SweepStep
from npu_adapt.workflows.processes.call import Call
from npu_adapt.workflows.processes.deadline import Child, kill_group, run_with_deadline
from npu_adapt.workflows.processes.fresh import pinned
from npu_adapt.workflows.sweep.causes import NO_NUMBERS, UNWRITTEN, cause_of_end, cause_of_verdict
from npu_adapt.workflows.sweep.plan import REPORT_FILE, Job, placed
from npu_adapt.workflows.sweep.showing import figures_with
from npu_adapt.workflows.sweep.turns import Stopped, turn

OUTPUT_FILE = "output.log"  # what the commands of a model printed on stderr
MEASURES = "bench"  # the command that shares its device and cores with no other job
AFTER_A_FAILURE = "report"  # the command that also runs then
NO_MODEL = ("env", "fetch", "report")  # commands that run no model, and need no device of their own
PRINTS_A_SUMMARY = (ExitCode.PASSED, ExitCode.VERDICT_FAILED)  # which lies in the logs too
SHOWN_TAIL = 1 << 14  # bytes of stderr that are searched for the last line
FAREWELL_SECONDS = 5.0  # from an interrupt to the end of a command

Doing = Callable[[str], None]  # is told the command that begins


class NotWritten(Exception):
    """The disk has no room for the evidence: no fault of the model, and nothing more can be run."""


@dataclass
class Children:
    """The processes that run now, to be ended together."""

    stop: threading.Event = field(default_factory=threading.Event)
    _running: set[Child] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def watched(self) -> Iterator[Callable[[Child], None]]:
        """A function that takes the child which is running while the context lasts. Raises `Stopped` after `end`."""
        mine: list[Child] = []

        def started(child: Child) -> None:
            mine.append(child)
            with self._lock:
                self._running.add(child)
            if self.stop.is_set():
                kill_group(child)

        try:
            yield started
        finally:
            with self._lock:
                self._running.difference_update(mine)
        if self.stop.is_set():
            raise Stopped

    def end(self) -> None:
        """Interrupts all, and kills what does not end. Nothing starts any more."""
        self.stop.set()
        with self._lock:
            running = [*self._running]
        for child in running:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGINT)
        until = time.monotonic() + FAREWELL_SECONDS
        while any(child.poll() is None for child in running) and time.monotonic() < until:
            time.sleep(0.02)
        for child in running:
            kill_group(child)


@dataclass
class JobRun:
    """A job while it goes on."""

    job: Job
    place: Placement
    logs: Path
    children: Children
    is_shared: bool  # whether the device serves many at a time, as a CPU does
    steps: list[SweepStep] = field(default_factory=list)
    figures: ModelFigures = field(default_factory=ModelFigures)
    cause: Cause | None = None
    used: float = 0.0  # seconds of the time limit

    def begin_with(self, step: SweepStep | None, cause: Cause | None) -> None:
        """A step that was run before; None: it was refused, for `cause`."""
        self.cause = cause
        if step is not None:
            self.steps.append(step)
            self.used = step.seconds

    def carry_out(self, doing: Doing) -> None:
        """Runs the commands that `steps` does not hold yet; after a failure only the report.

        Raises `Stopped` where the sweep is to end, and `NotWritten`.
        """
        for name in (SUMMARY_FILE, REPORT_FILE, *LOG_FILES.values()):  # of an earlier attempt, which is in the history
            (self.logs / name).unlink(missing_ok=True)
        for call in self.job.calls:
            if any(step.command == call.command for step in self.steps):
                continue
            if call.command == AFTER_A_FAILURE:
                if not (self.logs / SUMMARY_FILE).exists():
                    continue
            elif not self._goes_on():
                continue
            doing(call.command)
            self._run(call)

    def _goes_on(self) -> bool:
        """Whether the next command can show anything: after a failed verdict it can, after a failed run not."""
        return self.cause is None or self.cause.id == NO_NUMBERS or self._last_was_a_verdict()

    def _last_was_a_verdict(self) -> bool:
        return bool(self.steps) and self.steps[-1].exit_code == ExitCode.VERDICT_FAILED

    def _run(self, call: Call) -> None:
        device = None if self.is_shared or call.command in NO_MODEL else self.place.accelerator or self.place.device
        alone = call.command == MEASURES
        with turn(device, self.place.cores, self.children.stop, alone=alone):
            left = None if self.job.timeout is None else max(0.1, self.job.timeout - self.used)
            step, cause, _ = run_step(
                self.job,
                placed(call, self.place.device, self.logs),
                self.place.cores,
                self.logs,
                self.children,
                left,
                alone=alone,
            )
        self.steps.append(step)
        self.used += step.seconds
        summary = self._summary() if call.command not in NO_MODEL else None
        if summary is not None:
            self.figures = figures_with(self.figures, summary)
        if cause is None and step.exit_code == ExitCode.VERDICT_FAILED:
            assert summary is not None
            cause = cause_of_verdict(call.command, summary)
            if self.cause is not None and self.cause.id == NO_NUMBERS and cause.id == "wrong-operator":
                self.cause = Cause(
                    id=NO_NUMBERS, subject=cause.subject, message=self.cause.message, command=self.cause.command
                )
        if cause is not None and cause.id in UNWRITTEN:
            raise NotWritten(cause.message)
        self.cause = self.cause or cause

    def _summary(self) -> Summary | None:
        """The model's summary; None where the command came to none."""
        path = self.logs / SUMMARY_FILE
        return read_summary(path) if path.exists() else None

    def row(self, *, attempts: int, seconds: float, identity: Identity | None) -> SweepRow:
        """The row of the matrix."""
        path = self.logs / SUMMARY_FILE
        figures = self.figures
        if figures.runs is None and self.cause is not None and self.cause.command not in NO_MODEL:
            figures = replace(figures, runs=False)  # it ended without a record
        return SweepRow(
            name=self.job.name,
            model=self.job.model,
            folder=self.job.folder,
            status="passed" if self.cause is None else "failed",
            cause=self.cause,
            steps=tuple(self.steps),
            attempts=attempts,
            seconds=round(seconds, 3),
            placement=self.place,
            identity=identity,
            figures=figures,
            summary_sha256=hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None,
            ended_at=utc_now(),
        )


def run_step(
    job: Job,
    call: Call,
    cores: tuple[int, ...],
    logs: Path,
    children: Children,
    seconds: float | None,
    *,
    alone: bool = False,
) -> tuple[SweepStep, Cause | None, bytes]:
    """A command of the job as it ended, why it failed, and what it printed. Raises `Stopped`.

    `seconds` is what is left of its time, None: no limit.
    """
    began = time.monotonic()
    code, error = -1, None
    with (
        tempfile.TemporaryFile() as stdout,
        (logs / OUTPUT_FILE).open("ab") as stderr,
        children.watched() as started,
    ):
        options: dict[str, Any] = {"started": started, "cwd": job.cwd, "stdout": stdout, "stderr": stderr}
        try:
            with pinned(cores):
                code = run_with_deadline(call, seconds, logs, variables=job.variables, **options)
        except RunFailed as failed:
            error = failed
        step = SweepStep(
            command=call.command,
            exit_code=None if code < 0 else code,
            seconds=round(time.monotonic() - began, 3),
            signal=signal.Signals(-code).name if code < 0 and error is None else None,
            alone=alone,
        )
        stdout.seek(0)
        printed = b"" if step.exit_code in PRINTS_A_SUMMARY and call.command not in NO_MODEL else stdout.read()
    return step, cause_of_end(step, printed, _tail(logs / OUTPUT_FILE), error), printed


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        _to_end(file)
        return file.read()


def _to_end(file: IO[bytes]) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - SHOWN_TAIL))
