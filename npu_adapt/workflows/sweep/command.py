"""A sweep from its list to its record: what is to be run, run, and put together. No torch in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Protocol

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.evidence import utc_now
from npu_adapt.evidence.tool import this_tool
from npu_adapt.progress import Silent
from npu_adapt.records import Fact, legible
from npu_adapt.records.sweep import (
    SWEEP_SCHEMA_VERSION,
    Cause,
    LostDevice,
    Placement,
    Sweep,
    SweepRow,
    counts_of,
    groups_of,
)
from npu_adapt.workflows.env.command import EnvRequest, examine
from npu_adapt.workflows.run.sizes import size_of
from npu_adapt.workflows.sweep.ahead import Ahead, FetchedAhead
from npu_adapt.workflows.sweep.folder import SweepFolder
from npu_adapt.workflows.sweep.identity import versions_here
from npu_adapt.workflows.sweep.job import Children, NotWritten
from npu_adapt.workflows.sweep.local import FetchedOf, LocalSlot
from npu_adapt.workflows.sweep.places import places_here, spare_cores
from npu_adapt.workflows.sweep.plan import Job, Plan
from npu_adapt.workflows.sweep.request import SweepRequest
from npu_adapt.workflows.sweep.resuming import to_run
from npu_adapt.workflows.sweep.schedule import Schedule, Slot


class Screen(Protocol):
    """What the person who waits sees. Called from many threads, one call at a time."""

    def begins(self, name: str, jobs: int, finished: int, places: tuple[Placement, ...]) -> None: ...

    def says(self, fact: Fact) -> None: ...

    def started(self, job: Job, placement: Placement, command: str) -> None: ...

    def ended(self, row: SweepRow) -> None: ...

    def lost(self, device: LostDevice) -> None: ...


@dataclass
class _Recorder:
    """Writes each row as it comes, and shows it."""

    folder: SweepFolder
    screen: Screen
    lost_devices: list[LostDevice]
    release: Callable[[Job], None]  # is told when a model needs its weights no more
    jobs: dict[str, Job]

    def started(self, job: Job, placement: Placement, command: str) -> None:
        self.screen.started(job, placement, command)

    def ended(self, row: SweepRow) -> None:
        self.folder.write_row(row)
        self.screen.ended(row)
        self.release(self.jobs[row.name])

    def lost(self, device: LostDevice) -> None:
        self.lost_devices.append(device)
        self.screen.lost(device)


ENV = "env"  # the command that examines the machine, not a model
Publish = Callable[[Sweep, SweepFolder], None]
MakeSlots = Callable[[SweepFolder, Children, FetchedOf], tuple[Slot, ...]]


def sweep(
    request: SweepRequest,
    jobs: tuple[Job, ...],
    screen: Screen,
    publish: Publish,
    make_slots: MakeSlots | None = None,
) -> tuple[Sweep, SweepFolder]:
    """The record of the sweep, which is written, and the folder it lies in.

    `jobs` may be empty for one that is resumed: then they are those of its plan. `publish` gets the record, also of a
    sweep that is interrupted. Raises `UsageError`, and `DeviceUnavailable` before anything was run.
    """
    _require_sense(request)
    folder = SweepFolder(request.logs, request.resume or request.name or _name_of_now())
    if request.resume is None and folder.exists:
        raise UsageError(
            Sentence("there is a sweep {folder} already", folder=folder.name),
            hint=Sentence("go on with --resume {folder}, or give another --name", folder=folder.name),
        )
    if request.resume is not None:
        folder.plan()  # that there is one, before a folder is made
    with folder.locked():
        plan = _plan(request, jobs, folder)
        return _swept(request, plan, folder, make_slots or _slots_of(request), screen, publish), folder


def _require_sense(request: SweepRequest) -> None:
    """Before anything is written: raises `UsageError` for options that do not go together."""
    if request.disk is None:
        if request.keep_weights:
            raise UsageError("--keep-weights needs --disk", hint="without --disk, no weights are removed")
        return
    size_of("--disk", request.disk)
    if request.ray is not None:
        raise UsageError("--disk is for one machine", hint="with --ray, weights stay where they are: leave --disk out")


def _name_of_now() -> str:
    return datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def _plan(request: SweepRequest, jobs: tuple[Job, ...], folder: SweepFolder) -> Plan:
    """The plan, written: the new list, or the list that was there."""
    if jobs or request.resume is None:
        plan = Plan(
            schema_version=SWEEP_SCHEMA_VERSION,
            created_at=utc_now(),
            command=legible(request.command_line),
            run=request.run,
            jobs=jobs,
        )
        folder.write_plan(plan)
        return plan
    return folder.plan()


def _slots_of(request: SweepRequest) -> MakeSlots:
    return _local_slots(request) if request.ray is None else _cluster_slots(request, request.ray)


def _cluster_slots(request: SweepRequest, address: str) -> MakeSlots:
    def make(folder: SweepFolder, children: Children, fetched: FetchedOf) -> tuple[Slot, ...]:
        from npu_adapt.workflows.sweep.cluster import cluster_slots

        return cluster_slots(address, request.devices, request.jobs, folder.models)

    return make


def _local_slots(request: SweepRequest) -> MakeSlots:
    def make(folder: SweepFolder, children: Children, fetched: FetchedOf) -> tuple[Slot, ...]:
        versions = versions_here()
        places = places_here(request.devices, request.jobs, spare=request.disk is not None)
        return tuple(LocalSlot(place, folder.models, versions, children, fetched) for place in places)

    return make


def _swept(
    request: SweepRequest, plan: Plan, folder: SweepFolder, make_slots: MakeSlots, screen: Screen, publish: Publish
) -> Sweep:
    children, ahead = Children(), _Later()
    slots = make_slots(folder, children, ahead.result)
    if ENV in plan.run:
        _examine(request, folder)
    jobs, repeated = to_run(plan.jobs, folder, slots, only=request.only)
    for job in jobs:
        folder.forget(job.folder)
    for fact in repeated:
        screen.says(fact)
    screen.begins(folder.name, len(plan.jobs), len(plan.jobs) - len(jobs), tuple(slot.placement for slot in slots))
    recorder = _Recorder(folder, screen, [], ahead.release, {job.name: job for job in jobs})
    schedule = Schedule(jobs, slots, recorder, retries=request.retries)
    try:
        ahead.begin(request, plan, jobs, folder, children, slots, schedule.wake)
        schedule.run(ahead.is_ready)
    except NotWritten as error:
        raise UsageError(
            Sentence("the evidence cannot be written: {error}", error=error),
            hint=Sentence("make room, then go on with npu-adapt sweep --resume {folder}", folder=folder.name),
        ) from error
    finally:
        children.end()
        record = _record(request, plan, folder, tuple(recorder.lost_devices), repeated)
        folder.write(record)
        publish(record, folder)
    return record


class _Later:
    """Fetching ahead, from when the jobs are known; without `--disk` each job fetches for itself."""

    _ahead: Ahead | None = None

    def begin(
        self,
        request: SweepRequest,
        plan: Plan,
        jobs: tuple[Job, ...],
        folder: SweepFolder,
        children: Children,
        slots: tuple[Slot, ...],
        wake: Callable[[], None],
    ) -> None:
        if request.disk is None:
            return
        names = {job.name for job in jobs}
        finished = [job for job in plan.jobs if job.name not in names]
        cores = spare_cores(tuple(slot.placement for slot in slots))
        budget = size_of("--disk", request.disk)
        self._ahead = Ahead(
            jobs, finished, folder.models, children, budget=budget, keep=request.keep_weights, cores=cores
        )
        self._ahead.start(wake)

    def is_ready(self, job: Job) -> bool:
        return self._ahead is None or self._ahead.is_ready(job)

    def result(self, job: Job) -> FetchedAhead | None:
        return None if self._ahead is None else self._ahead.result(job)

    def release(self, job: Job) -> None:
        if self._ahead is not None:
            self._ahead.release(job)


def _examine(request: SweepRequest, folder: SweepFolder) -> None:
    """What `env` does, once for all models; its record lies in the sweep's folder."""
    asked = EnvRequest(command_line=request.command_line, logs=folder.path / ENV, logs_named=True)
    examine(asked, Silent, lambda summary: None)


def _record(
    request: SweepRequest, plan: Plan, folder: SweepFolder, lost: tuple[LostDevice, ...], repeated: Iterable[Fact]
) -> Sweep:
    """All rows in the order of the plan; a model without a result was not run."""
    found = {row.name: row for row in folder.rows()}
    rows = tuple(found.get(job.name) or _not_run(job, no_device=bool(lost)) for job in plan.jobs)
    return Sweep(
        schema_version=SWEEP_SCHEMA_VERSION,
        tool=this_tool(),
        name=folder.name,
        command=request.command_line,
        created_at=plan.created_at,
        written_at=utc_now(),
        run=plan.run,
        rows=rows,
        counts=counts_of(rows),
        groups=groups_of(rows),
        lost=lost,
        repeated=tuple(repeated),
    )


def _not_run(job: Job, *, no_device: bool) -> SweepRow:
    cause = Cause(id="no-device" if no_device else "not-run")
    return SweepRow(name=job.name, model=job.model, folder=job.folder, status="not-run", cause=cause)
