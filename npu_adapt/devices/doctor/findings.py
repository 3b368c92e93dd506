"""A finding: one thing that may not fit in a machine, and how it is noticed. Its words are in `report/phrases`.

The tables of findings stand at the end of the modules beside this one, under the functions that notice them. This
module reads the rows against one examination, leaves out what another finding explains, and softens what cannot matter
here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.records import Problem
from npu_adapt.records.base import Value
from npu_adapt.records.environment import Severity

ERROR: Severity = "error"
WARNING: Severity = "warning"
NOTE: Severity = "note"
Values = Mapping[str, Value]  # what was found and wanted; "said" is what the software itself said
Look = Callable[[Examination], Values | None]


@dataclass(frozen=True)
class Finding:
    """One row: what is looked for, and how much it matters."""

    id: str
    severity: Severity
    look: Look = field(repr=False)  # None: nothing to say
    shared: tuple[str, ...] = ()  # names of `shared_values` that its words need beside what `look` gives
    backend: str | None = "npu"  # whose stack it is about; None: everybody's
    where_it_works: Severity | None = None  # its severity where a device of the backend computes; None: the same
    explained_by: tuple[str, ...] = ()  # findings that are the cause of this one, which then goes without saying


def diagnose(examination: Examination, table: Iterable[Finding], backend: str | None = None) -> tuple[Problem, ...]:
    """What of `table` is found, errors first, each once, without what follows from another.

    What the software itself said is never left out with a row, unless a cause of that row quotes it too. `backend`
    leaves out what is about other backends' stacks: for a run that does not use them.
    """
    rows = [row for row in table if backend is None or row.backend in {None, backend}]
    noticed = {row.id: (row, values) for row in rows if (values := row.look(examination)) is not None}
    problems = []
    for row, values in noticed.values():
        causes = [noticed[cause][1] for cause in row.explained_by if cause in noticed]
        said = values.get("said")
        if not causes or (said and all(cause.get("said") != said for cause in causes)):
            problems.append(_problem(row, values, examination))
    return tuple(sorted(problems, key=lambda problem: (ERROR, WARNING, NOTE).index(problem.severity)))


def _problem(row: Finding, values: Values, examination: Examination) -> Problem:
    shared = shared_values(examination)
    return Problem(
        id=row.id,
        severity=_severity(row, examination),
        values={**{name: shared[name] for name in row.shared}, **values},
    )


def _severity(row: Finding, examination: Examination) -> Severity:
    usable = {device.kind for device in examination.probe.usable}
    if row.where_it_works is not None and row.backend in usable:
        return row.where_it_works
    if row.severity == ERROR and row.backend is not None and usable - {row.backend}:
        return WARNING  # another kind of accelerator works here: nobody is kept from working
    return row.severity


def shared_values(examination: Examination) -> dict[str, Value]:
    """Values that the words of several findings need; None: not known here."""
    machine = examination.machine
    cann = machine.ascend.cann
    torch = machine.version("torch")
    return {
        "torch": torch.partition("+")[0] if torch else None,
        "torch_npu": machine.version("torch_npu"),
        "transformers": machine.version("transformers"),
        "cann": examination.cann,
        "driver": examination.driver,
        "set_env": str(cann.set_env) if cann is not None and cann.set_env else "…/set_env.sh",
        "user": machine.variables.get("USER", "$USER"),
    }
