"""What a sweep that goes on has still to run: what is not finished, and what holds no more."""

from __future__ import annotations

from collections.abc import Sequence

from npu_adapt.records import Fact
from npu_adapt.records.sweep import Identity, SweepRow
from npu_adapt.workflows.sweep.folder import SweepFolder
from npu_adapt.workflows.sweep.identity import changes, weights_here
from npu_adapt.workflows.sweep.plan import Job
from npu_adapt.workflows.sweep.request import Only
from npu_adapt.workflows.sweep.schedule import Slot


def to_run(
    jobs: tuple[Job, ...], folder: SweepFolder, slots: Sequence[Slot], *, only: Only | None
) -> tuple[tuple[Job, ...], tuple[Fact, ...]]:
    """The jobs without a result that still holds, and which of them had one, with what has changed since.

    `only` "failed": those whose result is a failure, and no others.
    """
    results = {row.name: row for row in folder.rows()}
    wanted: list[Job] = []
    facts: list[Fact] = []
    for job in jobs:
        row = results.get(job.name)
        if only == "failed":
            if row is not None and row.status == "failed":
                wanted.append(job)
            continue
        changed = None if row is None else _changed(row, job, slots)
        if row is None or changed is not None:
            wanted.append(job)
        if changed is not None:
            facts.append(Fact("repeated", {"model": job.name, **changed.values}))
    return tuple(wanted), tuple(facts)


def _changed(row: SweepRow, job: Job, slots: Sequence[Slot]) -> Fact | None:
    """What is no more as it was when the model was run; None: nothing."""
    before = row.identity
    if before is None:  # its machine was lost: it has shown nothing
        return Fact("changed", {"what": ("device",)})
    here = [slot.site for slot in slots]
    site = next((each for each in here if each.device_name == before.device), here[0])
    now = Identity(options=job.options, versions=site.versions, device=site.device_name, weights=weights_here(job))
    return changes(before, now)
