"""Who takes which model next: one thread for each place, retries, and places that are lost."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from npu_adapt.records.sweep import Cause, LostDevice, Placement, SweepRow
from npu_adapt.threads import PULSE, Work
from npu_adapt.workflows.sweep.causes import MAY_BE_THE_DEVICE, TRIED_AGAIN
from npu_adapt.workflows.sweep.plan import Job
from npu_adapt.workflows.sweep.turns import Stopped

MOST_MOVES = 2  # devices that one model may be lost with before it is the one to blame


@dataclass(frozen=True)
class Site:
    """What decides the results of a place, beside model and options."""

    device_name: str  # the kind and the maker's name
    versions: dict[str, str]


class PlaceLost(Exception):
    """The place is gone, with its machine or its worker; what ran on it has no row."""


@dataclass
class Pending:
    """A model that waits or runs."""

    job: Job
    attempts: int = 0
    moves: int = 0
    seconds: float = 0.0
    avoided: set[Placement] = field(default_factory=set)


class Slot(Protocol):
    """One place that runs one model at a time."""

    @property
    def placement(self) -> Placement: ...

    @property
    def site(self) -> Site:
        """What results of this place hold for."""

    def carry_out(self, pending: Pending, doing: Callable[[str], None]) -> SweepRow:
        """The row of the model. Raises `PlaceLost`, `Stopped`, and what ends the whole sweep."""

    def still_works(self) -> bool:
        """Whether it can run another model, asked after a failure that may be the device's."""


class Watcher(Protocol):
    """Is told what happens, from many threads, one call at a time."""

    def started(self, job: Job, placement: Placement, command: str) -> None: ...

    def ended(self, row: SweepRow) -> None: ...

    def lost(self, device: LostDevice) -> None: ...


class Schedule:
    """Runs jobs on slots until none is left, or none can run."""

    def __init__(self, jobs: Iterable[Job], slots: Iterable[Slot], watcher: Watcher, *, retries: int) -> None:
        self._waiting = deque(Pending(job) for job in jobs)
        self._slots = list(slots)
        self._watcher = watcher
        self._retries = retries
        self._running = 0
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def run(self, ready: Callable[[Job], bool] = lambda job: True) -> tuple[Job, ...]:
        """Runs all; returns the models that no place was left for. Raises what a slot or the watcher raised.

        `ready`: whether a job may start now; `wake` says that it may have become so.
        """
        self._ready = ready
        works = [Work(partial(self._work, slot)) for slot in self._slots]
        while self._error is None and (running := [work for work in works if not work.done()]):
            running[0].wait(PULSE)
            self._error = self._error or next(filter(None, (work.failure() for work in works)), None)
        if self._error is not None:
            raise self._error
        return tuple(pending.job for pending in self._waiting)

    def wake(self) -> None:
        """Looks again which jobs may start."""
        with self._changed:
            self._changed.notify_all()

    def _work(self, slot: Slot) -> None:
        try:
            while (pending := self._take(slot)) is not None:
                again, lost = self._tried(slot, pending)
                with self._changed:
                    if lost:
                        self._slots.remove(slot)
                    if again:
                        self._waiting.appendleft(pending)
                    self._running -= 1
                    self._changed.notify_all()
                if lost:
                    return
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            with self._changed:
                self._error = self._error or error
                self._changed.notify_all()

    def _take(self, slot: Slot) -> Pending | None:
        """The next job for the slot; None: there is none any more."""
        with self._changed:
            while self._error is None:
                if not self._waiting and not self._running:
                    return None
                for pending in self._waiting:
                    if self._suits(pending, slot) and self._ready(pending.job):
                        self._waiting.remove(pending)
                        self._running += 1
                        return pending
                self._changed.wait(PULSE)
            return None

    def _suits(self, pending: Pending, slot: Slot) -> bool:
        """Whether it may run here: not where its device failed it, as long as there is another."""
        return slot.placement not in pending.avoided or all(other.placement in pending.avoided for other in self._slots)

    def _tried(self, slot: Slot, pending: Pending) -> tuple[bool, bool]:
        """Whether the job is to be run again, and whether the slot is lost."""
        pending.attempts += 1
        began = time.monotonic()
        try:
            row = slot.carry_out(pending, lambda command: self._tell_started(pending.job, slot.placement, command))
        except PlaceLost as gone:
            cause = Cause(id="node-lost", message=str(gone))
            pending.seconds += time.monotonic() - began
            self._tell_lost(slot, pending, cause)
            if pending.attempts <= self._retries and len(self._slots) > 1:
                return True, True
            self._tell_ended(_row_of_lost(pending, slot.placement, cause))
            return False, True
        pending.seconds += time.monotonic() - began
        cause_or_none = row.cause
        if cause_or_none is None or cause_or_none.id not in TRIED_AGAIN:
            self._tell_ended(row)
            return False, False
        lost = cause_or_none.id in MAY_BE_THE_DEVICE and not slot.still_works()
        if lost:
            self._tell_lost(slot, pending, cause_or_none)
            pending.moves += 1
        pending.avoided.add(slot.placement)
        moved = lost and pending.moves <= MOST_MOVES and len(self._slots) > 1
        if moved:
            pending.attempts -= 1  # the device's, not the model's
        if moved or (not lost and pending.attempts <= self._retries):
            return True, lost
        self._tell_ended(row)
        return False, lost

    def _tell_started(self, job: Job, placement: Placement, command: str) -> None:
        with self._changed:
            self._watcher.started(job, placement, command)

    def _tell_ended(self, row: SweepRow) -> None:
        with self._changed:
            self._watcher.ended(row)

    def _tell_lost(self, slot: Slot, pending: Pending, cause: Cause) -> None:
        with self._changed:
            self._watcher.lost(LostDevice(placement=slot.placement, model=pending.job.name, cause=cause))


def _row_of_lost(pending: Pending, placement: Placement, cause: Cause) -> SweepRow:
    return SweepRow(
        name=pending.job.name,
        model=pending.job.model,
        folder=pending.job.folder,
        status="failed",
        cause=cause,
        attempts=pending.attempts,
        seconds=round(pending.seconds, 3),
        placement=placement,
    )
