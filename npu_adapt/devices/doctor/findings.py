"""A finding: one thing that may not fit in a machine, how it is noticed, and what is said of it.

The tables of findings are in the modules beside this one. A row notices and words one thing; this module reads the
rows against one examination, leaves out what another finding explains, and softens what cannot matter here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.records import Problem

ERROR, WARNING, NOTE = "error", "warning", "note"
Places = Mapping[str, str]  # what fills the places of a finding's texts


Look = Callable[[Examination], Places | None]


@dataclass(frozen=True)
class Finding:
    """One row: what is looked for, and what is said when it is found. `{…}` are places that `look` fills."""

    id: str
    severity: str  # error | warning | note
    look: Look = field(repr=False)  # None: nothing to say; else what fills the places
    found: str
    wanted: str
    why: str
    fix: str
    backend: str | None = "npu"  # whose stack it is about; None: everybody's
    explained_by: tuple[str, ...] = ()  # findings that are the cause of this one, which then goes without saying


def diagnose(examination: Examination, table: Iterable[Finding], backend: str | None = None) -> tuple[Problem, ...]:
    """What of `table` is found, errors first, each once, without what follows from another.

    `backend` leaves out what is about other backends' stacks: for a run that does not use them.
    """
    rows = [row for row in table if backend is None or row.backend in {None, backend}]
    noticed = {row.id: (row, places) for row in rows if (places := row.look(examination)) is not None}
    problems = [
        _problem(row, places, examination)
        for row, places in noticed.values()
        if not any(cause in noticed for cause in row.explained_by)
    ]
    return tuple(sorted(problems, key=lambda problem: (ERROR, WARNING, NOTE).index(problem.severity)))


def _problem(row: Finding, places: Places, examination: Examination) -> Problem:
    filled = {**_common_places(examination), **places}
    severity = row.severity
    if severity == ERROR and row.backend is not None and _works_elsewhere(examination, row.backend):
        severity = WARNING  # another kind of accelerator works here: nobody is kept from working
    return Problem(
        id=row.id,
        severity=severity,
        found=row.found.format_map(filled),
        wanted=row.wanted.format_map(filled),
        why=row.why.format_map(filled),
        fix=row.fix.format_map(filled),
    )


def _works_elsewhere(examination: Examination, backend: str) -> bool:
    return any(device.kind != backend for device in examination.probe.usable)


def _common_places(examination: Examination) -> dict[str, str]:
    """Places that every text may use."""
    machine = examination.machine
    torch = (machine.version("torch") or "").partition("+")[0]
    cann = machine.ascend.cann
    return {
        "torch": torch,
        "torch_npu": machine.version("torch_npu") or "",
        "transformers": machine.version("transformers") or "",
        "cann": examination.cann or "",
        "driver": examination.driver or "",
        "set_env": str(cann.set_env) if cann is not None and cann.set_env else "…/set_env.sh",
        "user": machine.variables.get("USER", "$USER"),
    }
