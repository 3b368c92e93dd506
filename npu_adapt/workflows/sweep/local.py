"""A place of this machine as a slot of the schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from npu_adapt.records.sweep import Identity, Placement, SweepRow
from npu_adapt.workflows.sweep.ahead import FetchedAhead
from npu_adapt.workflows.sweep.identity import weights_here
from npu_adapt.workflows.sweep.job import Children, JobRun, NotWritten
from npu_adapt.workflows.sweep.places import Place, still_works
from npu_adapt.workflows.sweep.plan import Job
from npu_adapt.workflows.sweep.schedule import Pending, Site

FetchedOf = Callable[[Job], "FetchedAhead | None"]


class LocalSlot:
    """Runs models on one device of this machine."""

    def __init__(
        self, place: Place, models: Path, versions: Mapping[str, str], children: Children, fetched: FetchedOf
    ) -> None:
        self._place = place
        self._models = models
        self._versions = dict(versions)
        self._children = children
        self._fetched = fetched

    @property
    def placement(self) -> Placement:
        return self._place.placement

    @property
    def site(self) -> Site:
        return Site(self._place.device_name, self._versions)

    def carry_out(self, pending: Pending, doing: Callable[[str], None]) -> SweepRow:
        fetched = self._fetched(pending.job)
        try:
            return run_job(pending, self._place, self._models, self._versions, self._children, doing, fetched)
        except OSError as error:
            raise NotWritten(f"{error.filename or self._models}: {error.strerror or error}") from error

    def still_works(self) -> bool:
        return self._place.is_shared or still_works(self.placement.device)


def run_job(
    pending: Pending,
    place: Place,
    models: Path,
    versions: dict[str, str],
    children: Children,
    doing: Callable[[str], None],
    fetched: FetchedAhead | None = None,
) -> SweepRow:
    """The row of one model, run at `place`, its evidence below `models`. `fetched`: its `fetch` has been run."""
    job = pending.job
    logs = models / job.folder
    logs.mkdir(parents=True, exist_ok=True)
    run = JobRun(job, place.placement, logs, children, place.is_shared)
    if fetched is not None:
        run.begin_with(fetched.step, fetched.cause)
    run.carry_out(doing)
    identity = Identity(options=job.options, versions=versions, device=place.device_name, weights=weights_here(job))
    seconds = pending.seconds + sum(step.seconds for step in run.steps)
    return run.row(attempts=pending.attempts, seconds=seconds, identity=identity)
