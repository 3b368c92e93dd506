"""Fetching ahead: the next models download while the present ones run, within a budget of disk.

What the sweep fetched is removed when no model needs it any more; what was on this disk before never.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from npu_adapt.errors import NpuAdaptError
from npu_adapt.evidence import write_atomically
from npu_adapt.models.local import is_hub_model
from npu_adapt.models.registry import Registry, cache_folder
from npu_adapt.records.registry import Fetched
from npu_adapt.records.sweep import Cause, SweepStep
from npu_adapt.threads import Work
from npu_adapt.workflows.models.registry import entries_of, plan_removals, remove_models
from npu_adapt.workflows.processes.call import Call
from npu_adapt.workflows.sweep.identity import model_request
from npu_adapt.workflows.sweep.job import Children, NotWritten, run_step
from npu_adapt.workflows.sweep.plan import Job
from npu_adapt.workflows.sweep.turns import Stopped, turn

FETCH = "fetch"
OURS_FILE = "fetched.json"  # in a model's folder: its weights were brought by the sweep


@dataclass(frozen=True)
class FetchedAhead:
    """What came of a model's `fetch`."""

    step: SweepStep | None  # None: it was refused before it began
    cause: Cause | None  # None: it is here


class _Ours(msgspec.Struct, frozen=True):
    """What the sweep brought of a model."""

    bytes: int
    path: str  # the folder, as the registry knows it


class Ahead:
    """One thread that runs the `fetch` of each job, in their order."""

    def __init__(
        self,
        jobs: Iterable[Job],
        finished: Iterable[Job],
        models: Path,
        children: Children,
        *,
        budget: int,
        keep: bool,
        cores: tuple[int, ...],
    ) -> None:
        self._jobs = [job for job in jobs if _fetch_of(job) is not None]
        self._models, self._children, self._cores = models, children, cores
        self._budget, self._keep = budget, keep
        self._users = Counter(job.model for job in self._jobs)  # that still need the weights
        self._held: dict[str, _Ours] = {}  # what the sweep brought, by model, and has not removed
        self._results: dict[str, FetchedAhead] = {}
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._running: Work[None] | None = None  # None: not begun
        for job in (*finished, *self._jobs):  # what an earlier run of this sweep brought
            if (ours := self._ours(job)) is not None:
                self._held[job.model] = ours
        for job in finished:
            if not self._users[job.model]:
                self._remove(job)

    def start(self, wake: Callable[[], None]) -> None:
        """Begins; `wake` is called whenever a job may have become ready."""
        self._wake = wake
        self._running = Work(self._work)

    @property
    def error(self) -> BaseException | None:
        """Why no more is fetched; None: nothing has failed."""
        return self._error or (None if self._running is None else self._running.failure())

    def is_ready(self, job: Job) -> bool:
        """Whether the job's `fetch` has ended, or it has none."""
        return self.error is not None or _fetch_of(job) is None or job.name in self._results

    def result(self, job: Job) -> FetchedAhead | None:
        """What came of it; None: the job has no `fetch`."""
        if (error := self.error) is not None:
            raise error
        return self._results.get(job.name)

    def release(self, job: Job) -> None:
        """The job is over: its weights may go where no other needs them."""
        with self._changed:
            self._users[job.model] -= 1
            if self._users[job.model] <= 0:
                self._remove(job)
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            for job in self._jobs:
                result = self._fetched(job)
                with self._changed:
                    self._results[job.name] = result
                self._wake()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by `result`
            self._error = error
            self._wake()

    def _fetched(self, job: Job) -> FetchedAhead:
        call = _fetch_of(job)
        assert call is not None
        logs = self._models / job.folder
        logs.mkdir(parents=True, exist_ok=True)
        if is_hub_model(job.model):
            dry = Call(call.command, {**call.parameters, "dry_run": True})
            step, cause, printed = self._run(job, dry, logs)
            if cause is not None:
                return FetchedAhead(step, cause)
            planned = msgspec.json.decode(printed, type=Fetched)
            if not self._reserved(job, planned, logs):
                message = f"{planned.downloaded_bytes} of {self._budget} bytes"
                return FetchedAhead(None, Cause(id="disk-budget", message=message, command=FETCH))
        step, cause, _ = self._run(job, call, logs)
        return FetchedAhead(step, cause)

    def _run(self, job: Job, call: Call, logs: Path) -> tuple[SweepStep, Cause | None, bytes]:
        with turn(None, self._cores, self._children.stop, alone=False):
            step, cause, printed = run_step(job, call, self._cores, logs, self._children, job.timeout)
        if cause is not None and cause.id in ("no-space", "evidence-not-written"):
            raise NotWritten(cause.message)
        return step, cause, printed

    def _reserved(self, job: Job, planned: Fetched, logs: Path) -> bool:
        """Waits for room for what is missing; whether there will be any."""
        if not planned.downloaded_bytes:
            return True
        is_ours = job.model in self._held or all(file.downloaded for file in planned.files)
        with self._changed:
            self._held.pop(job.model, None)
            needed = planned.bytes if is_ours else planned.downloaded_bytes
            while sum(each.bytes for each in self._held.values()) + needed > self._budget:
                others = any(self._users[model] > 0 for model in self._held)
                if self._keep or not others:
                    return False
                if self._children.stop.is_set():
                    raise Stopped
                self._changed.wait(0.2)
            if is_ours:
                ours = self._held[job.model] = _Ours(needed, planned.path)
                write_atomically(logs / OURS_FILE, msgspec.json.encode(ours))
        return True

    def _ours(self, job: Job) -> _Ours | None:
        with suppress(OSError, msgspec.DecodeError):
            return msgspec.json.decode((self._models / job.folder / OURS_FILE).read_bytes(), type=_Ours)
        return None

    def _remove(self, job: Job) -> None:
        """Takes the model off this disk where the sweep brought it. What cannot be removed stays, and counts."""
        request = model_request(job)
        if self._keep or job.model not in self._held or request is None:
            return
        registry = Registry(cache_folder(request.cache_dir))
        with suppress(NpuAdaptError):
            ours = tuple(each for each in entries_of(request, registry) if each.path == self._held[job.model].path)
            remove_models(plan_removals(ours), registry)
            del self._held[job.model]
            (self._models / job.folder / OURS_FILE).unlink(missing_ok=True)


def _fetch_of(job: Job) -> Call | None:
    return next((call for call in job.calls if call.command == FETCH), None)
