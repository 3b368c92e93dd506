"""The record of a run while it goes on: what it has found so far, and the stage it is in.

From the moment the device is open the run has a folder in the history whose `summary.json` says FAILED at the stage it
is in. It is replaced when the run ends, so that a killed process leaves a true record.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from npu_adapt.errors import RunFailed
from npu_adapt.evidence import Journal, failure_of
from npu_adapt.progress import Progress
from npu_adapt.records import Fact, Failure, Summary
from npu_adapt.timing.memory import return_unused
from npu_adapt.workflows.run.facts import reason
from npu_adapt.workflows.run.request import RunRequest

if TYPE_CHECKING:
    from npu_adapt.devices.device import Device


@dataclass
class Recording:
    """A run whose device is open."""

    request: RunRequest
    journal: Journal
    progress: Progress
    device: Device
    summary: Summary
    lasting: ExitStack = field(default_factory=ExitStack, kw_only=True)  # contexts that end with the run

    @contextmanager
    def stage(self, name: str, doing: Fact, *, fallbacks: bool = True) -> Iterator[None]:
        """One stage of the run: logged, shown, and named in the failure should the device give up in it.

        Noting all `fallbacks` makes each one slow, which must not be timed.
        Raises `RunFailed` for what the device's backend says in its own exceptions.
        """
        self._draft(Failure(stage=name, kind="ended-early", message="the process ended in this stage"))
        self.journal.event("run", name, state="begin")
        started = time.perf_counter()
        with self.progress.task(doing):
            try:
                with self.device.recording_fallbacks(every=fallbacks):
                    yield
            except Exception as error:
                failure = error if isinstance(error, RunFailed) else self.device.classify(error, name)
                if failure is None:
                    raise
                raise failure from (error.__cause__ if failure is error else error)
        return_unused()
        self.journal.event("run", name, state="end", ms=round(1e3 * (time.perf_counter() - started), 3))

    def record(self, **run_fields: Any) -> None:
        """Fills fields of `run`."""
        assert self.summary.run is not None
        run = msgspec.structs.replace(self.summary.run, **run_fields)
        self.summary = msgspec.structs.replace(self.summary, run=run)

    def note(self, *facts: Fact) -> None:
        """Adds what a reader must know of the run, and logs it."""
        assert self.summary.run is not None
        for fact in facts:
            self.journal.event("run", "note", "warning", id=fact.id, **fact.values)
        self.record(notes=(*self.summary.run.notes, *facts))

    def explain(self, reasons: Mapping[str, Fact]) -> None:
        """Says why fields are null: dotted path to reason."""
        self.summary = msgspec.structs.replace(self.summary, reasons={**self.summary.reasons, **reasons})

    def so_far(self, **sections: Any) -> Summary:
        """What would be published now."""
        return msgspec.structs.replace(self.summary, **sections)

    def known_now(self) -> Summary:
        """What the record can say without waiting for anything."""
        return self.summary

    def publish(self, **sections: Any) -> Summary:
        """Ends the run: writes the summary and the logs. Raises `EvidenceNotWritten`."""
        if self.summary.run is not None and self.summary.run.cpu_fallbacks is not None:
            self.record(cpu_fallbacks=self.device.cpu_fallbacks())  # of every stage, also those after the forwards
        summary = self.so_far(**sections)
        run = summary.run
        assert run is not None
        self.journal.event("run", "ended", status=run.status, device=run.device, dtype=run.dtype)
        return self.journal.publish(summary, self.progress.say)

    def fail(self, error: RunFailed) -> Summary:
        """Ends a failed run: the record says FAILED, where and why, and the command's own section says so too."""
        self.record(status="FAILED", failure=failure_of(error))
        self.journal.event("run", "failed", "error", **failure_fields(error))
        if self.request.command != "infer":
            why = reason("failed-in-stage", **{"stage": error.stage, "class": error.kind})
            self.explain({self.request.command: why})
        return self.publish()

    def _draft(self, failure: Failure) -> None:
        self.record(status="FAILED", failure=failure)
        self.journal.draft(self.known_now())


def failure_fields(error: RunFailed) -> dict[str, str | None]:
    """A failure as fields of a log line."""
    return {"stage": error.stage, "class": error.kind, "operator": error.operator, "message": error.message}
