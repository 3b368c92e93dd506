"""What the devices of the verdict's benchmark came to: kept in a file for each, and put into one table."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.table import Table

LIMIT = 3.0  # floors, end to end
TITLES = {
    "field": "the field's: cosine > 0.99, mean_abs < 0.005",
    "1e-5": "Polygraphy's 1e-5 (rtol and atol)",
    "same": "dynamo's same: rmse <= 2-3 x fp32's, against fp64",
    "end to end": "end to end <= 3 floors",
    "operators": "operators alone, by margins",
    "whole numbers": "operators alone, by whole numbers",
    "combination": "the combination",
}
RULES = tuple(TITLES)
TARGETS = ("0 false alarms", ">= 99.5 % of effect >= 3 floors", ">= 92 % below", ">= 99 % named right")


@dataclass(frozen=True)
class Run:
    """One device on one case, and what each rule said of it."""

    part: str  # of the benchmark: what the case is in the table for
    case: str
    form: str
    fault: str  # empty: the device is correct
    family: str
    effect: float  # of the fault, in floors
    alarms: dict[str, bool]  # rule -> whether it failed the device; one that was not tried is left out
    over_floor: float  # of the outputs, end to end
    named_right: bool | None  # whether the first that is named is the wrong one; None: none was named
    found: str = ""  # what failed, of a false alarm, a miss or a wrong name


@dataclass(frozen=True)
class Found:
    """Of one correct device and the faulty ones made of it."""

    runs: tuple[Run, ...]
    checks: tuple[str, ...] = ()  # whether the short way and the whole path agree
    seconds: float = 0.0


class Job(Protocol):
    """Devices that share what is costly to make."""

    @property
    def name(self) -> str: ...
    @property
    def devices(self) -> tuple[str, ...]: ...
    def examine(self, wanted: Sequence[str], seed: int) -> Iterator[Found]:
        """What each of the wanted devices comes to, one after the other."""


def write(file: Path, found: Found) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(found)))
    partial.rename(file)


def read(folder: Path) -> list[Found]:
    """All that is in the folder, in the order of the files' names."""
    found = []
    for file in sorted(folder.rglob("*.json")):
        kept = json.loads(file.read_text())
        found.append(Found(tuple(Run(**run) for run in kept["runs"]), tuple(kept["checks"]), kept["seconds"]))
    return found


def file_of(folder: Path, job: Job, device: str) -> Path:
    return folder / job.name / f"{device}.json"


def work(job: Job, folder: Path, seed: int, until: float) -> str:
    """Runs what is missing of a job, as long as there is time; what failed of it, or nothing."""
    wanted = [device for device in job.devices if not file_of(folder, job, device).is_file()]
    if not wanted or time.time() > until:
        return ""
    try:
        found = job.examine(wanted, seed)
        for device in wanted:
            if time.time() > until:
                break
            write(file_of(folder, job, device), next(found))
    except Exception:  # noqa: BLE001 - one model must not sink the others
        return f"{job.name}: {traceback.format_exc()}"
    return ""


def show(found: Sequence[Found]) -> None:
    """Every rule on all runs, the parts, the classes of faults, what was missed, and each alarm that was false."""
    console = Console(width=150)
    runs = [run for each in found for run in each.runs]
    faulty = [run for run in runs if run.fault]
    console.print(_rules(runs))
    console.print(_parts(runs))
    console.print(_families(faulty))
    console.print(_missed(faulty))
    for run in runs:
        if not run.fault and run.alarms["combination"]:
            console.print(f"false alarm: {run.case} on {run.form}: {run.found}", markup=False)
        if run.named_right is False:
            console.print(
                f"another named: {run.case}, {run.fault} on {run.form}, effect {run.effect:.2g}: {run.found}",
                markup=False,
            )
    checks = [check for each in found for check in each.checks]
    agreeing = sum(check.startswith("checked") for check in checks)
    console.print(f"the whole path came to the same findings in {agreeing} of {len(checks)} runs that took both")
    for check in checks:
        if check.startswith("DISAGREES"):
            console.print(check, markup=False)
    console.print(f"{sum(each.seconds for each in found) / 60:.0f} minutes of work on {len(found)} devices")


def _rules(runs: Sequence[Run]) -> Table:
    table = Table(title="every rule, on what it was tried on")
    for heading in ("rule", "false alarms", "faults caught", "effect >= 3 floors", "below"):
        table.add_column(heading)
    for rule in RULES:
        tried = [run for run in runs if rule in run.alarms]
        correct, (large, small) = [run for run in tried if not run.fault], _by_effect(tried)
        table.add_row(
            TITLES[rule],
            f"{sum(run.alarms[rule] for run in correct)} of {len(correct)}",
            caught([*large, *small], rule),
            caught(large, rule),
            caught(small, rule),
        )
    return table


def _parts(runs: Sequence[Run]) -> Table:
    table = Table(title="the combination, by what it was tried on")
    for heading in ("models", "false alarms", "worst correct run", "effect >= 3 floors", "below", "named right"):
        table.add_column(heading)
    for part in [*dict.fromkeys(run.part for run in runs), None]:
        own = [run for run in runs if part is None or run.part == part]
        correct, (large, small) = [run for run in own if not run.fault], _by_effect(own)
        named = [run for run in (*large, *small) if run.alarms["combination"]]
        table.add_row(
            part or "all",
            f"{sum(run.alarms['combination'] for run in correct)} of {len(correct)}",
            f"{max((run.over_floor for run in correct), default=0.0):.2f} floors",
            caught(large, "combination"),
            caught(small, "combination"),
            f"{sum(bool(run.named_right) for run in named)} of {len(named)}",
        )
    return table


def _families(faulty: Sequence[Run]) -> Table:
    table = Table(title="faults caught, by class")
    for heading in ("class", "operators, by margins", "whole numbers", "combination, >= 3 floors", "below"):
        table.add_column(heading)
    for family in dict.fromkeys(run.family for run in faulty):
        own = [run for run in faulty if run.family == family]
        large, small = _by_effect(own)
        table.add_row(
            f"{family} ({len(own)})",
            *(caught([run for run in own if rule in run.alarms], rule) for rule in ("operators", "whole numbers")),
            caught(large, "combination"),
            caught(small, "combination"),
        )
    return table


def _missed(faulty: Sequence[Run]) -> Table:
    missed = [run for run in faulty if not run.alarms["combination"]]
    table = Table(title=f"missed by the combination: {len(missed)}")
    for heading in ("fault", "missed", "drawn", "largest effect, floors", "on"):
        table.add_column(heading)
    for name in sorted({run.fault for run in missed}):
        own = [run for run in missed if run.fault == name]
        drawn = sum(run.fault == name for run in faulty)
        where = "; ".join(sorted({f"{run.case}: {run.form.partition(',')[0]}" for run in own})[:4])
        table.add_row(name, str(len(own)), str(drawn), f"{max(run.effect for run in own):.2g}", where)
    return table


def _by_effect(runs: Iterable[Run]) -> tuple[list[Run], list[Run]]:
    """(faults whose effect is at least the limit, the others)."""
    faulty = [run for run in runs if run.fault]
    return [run for run in faulty if run.effect >= LIMIT], [run for run in faulty if not run.effect >= LIMIT]


def caught(runs: Sequence[Run], rule: str) -> str:
    count = sum(run.alarms[rule] for run in runs)
    return f"{count} of {len(runs)}, {100 * count / len(runs):.1f} %" if runs else "-"


def holds(found: Sequence[Found]) -> bool:
    """Whether the targets are met, on all runs together; and whether the two ways agree."""
    runs = [run for each in found for run in each.runs]
    correct, (large, small) = [run for run in runs if not run.fault], _by_effect(runs)
    detected = [run for run in (*large, *small) if run.alarms["combination"]]
    results = (
        not any(run.alarms["combination"] for run in correct),
        sum(run.alarms["combination"] for run in large) >= 0.995 * len(large),
        sum(run.alarms["combination"] for run in small) >= 0.92 * len(small),
        sum(bool(run.named_right) for run in detected) >= 0.99 * len(detected),
    )
    for target, met in zip(TARGETS, results, strict=True):
        print(f"{target}: {'holds' if met else 'MISSED'}")
    return all(results) and not any(check.startswith("DISAGREES") for each in found for check in each.checks)
