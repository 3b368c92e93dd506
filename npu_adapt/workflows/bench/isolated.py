"""`bench` in fresh processes: one for each row of `--isolate`, several for a baseline or a gate."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from npu_adapt.errors import ExitCode
from npu_adapt.evidence import LOG_FILES, Journal, Logs
from npu_adapt.progress import Progress
from npu_adapt.records import Bench, BenchRow, Fact, Gate, Summary
from npu_adapt.timing.statistics import median
from npu_adapt.workflows.bench.choice import best_row
from npu_adapt.workflows.bench.gate import (
    MOST_PROCESSES,
    Medians,
    judge,
    read_bench_baseline,
    require_same_setting,
    same_pace,
)
from npu_adapt.workflows.bench.settings import reason_fields
from npu_adapt.workflows.processes.fresh import ChildFailed, bench_in_process, idlest_cores

# What is wrong with the command or the model is wrong in every row.
ENDS_THE_SWEEP = frozenset((ExitCode.USAGE, ExitCode.MODEL))


@dataclass(frozen=True)
class Variant:
    """One row: the arguments of its process, and what stands in its columns should it fail."""

    arguments: tuple[str, ...]
    columns: Mapping[str, Any]
    threads: int | None  # None: as torch decides, which is all cores

    def cores(self) -> tuple[int, ...]:
        return idlest_cores(self.threads)


@dataclass(frozen=True)
class GateRules:
    """How many fresh processes, and what they are compared with."""

    processes: int
    baseline: Path | None = None
    fail_above: float = 0.05


@dataclass(frozen=True)
class _Child:
    """What one process measured, and where its logs are."""

    summary: Summary
    logs: Path

    @property
    def bench(self) -> Bench:
        assert self.summary.bench is not None, "a benchmark that ended well has its section"
        return self.summary.bench

    @property
    def median_ms(self) -> float:
        return median(self.bench.samples_ms)

    @property
    def is_disturbed(self) -> bool:
        """Whether others used the processor meanwhile."""
        return any(warning.id == "foreign-load" for warning in self.bench.warnings)

    @property
    def row(self) -> BenchRow:
        return self.bench.rows[self.bench.best_row]


class _Children(ExitStack):
    """Runs processes one after the other; their logs last as long as the context."""

    def run(self, variant: Variant, cores: tuple[int, ...]) -> _Child:
        child = _Child(*bench_in_process(variant.arguments, cores))
        self.callback(shutil.rmtree, child.logs, ignore_errors=True)
        return child


@dataclass(frozen=True)
class Evidence:
    """Where this command's own record goes, and the command line in it."""

    logs: Path
    command_line: str

    def folder(self) -> Logs:
        """The logs folder, proven writable."""
        folder = Logs(self.logs)
        folder.require_writable()
        return folder


def bench_isolated(variants: Sequence[Variant], evidence: Evidence, progress: Progress) -> Summary:
    """Every variant in a process of its own; one that fails or dies is a failed row, and the others go on.

    Raises what the first said where none could be measured, and at once what is about the command or the model.
    """
    folder = evidence.folder()
    with _Children() as children:
        rows: list[BenchRow] = []
        ran: dict[int, tuple[_Child, tuple[int, ...]]] = {}
        first_failure: ChildFailed | None = None
        with progress.task("measuring in fresh processes", total=len(variants)) as step:
            for number, variant in enumerate(variants):
                cores = variant.cores()
                try:
                    child = children.run(variant, cores)
                except ChildFailed as error:
                    if error.exit_code in ENDS_THE_SWEEP:
                        raise
                    first_failure = first_failure or error
                    rows.append(BenchRow(**variant.columns, status="failed", reason=error.reason))
                else:
                    ran[number] = (child, cores)
                    rows += child.bench.rows
                step.advance(1)
        if first_failure is not None and not ran:
            _publish_failure(folder, first_failure, evidence)
            raise first_failure
        best = best_row(tuple(rows))
        child, cores = ran[best]
        section = msgspec.structs.replace(child.bench, rows=tuple(rows), best_row=best, pinned_cores=cores)
        return _publish(folder, child, section, evidence)


def bench_gated(variant: Variant, rules: GateRules, evidence: Evidence, progress: Progress) -> Summary:
    """The median process's benchmark with the medians of all that count, and the gate where there is a baseline.

    A process beside others' work counts only where there are not enough without. With a baseline more processes are
    run, up to `MOST_PROCESSES`, while the interval holds the limit.
    """
    folder = evidence.folder()
    baseline = None if rules.baseline is None else read_bench_baseline(rules.baseline)
    cores = variant.cores()
    with_pace = dataclasses.replace(variant, arguments=(*variant.arguments, "--pace"))
    most = max(rules.processes, MOST_PROCESSES)
    with _Children() as children, progress.task("measuring in fresh processes", total=rules.processes) as step:
        ran: list[_Child] = []
        counted: Sequence[_Child] = ()
        gate: Gate | None = None
        while len(ran) < most and (not counted or (gate is not None and not gate.decided)):
            try:
                ran.append(children.run(with_pace, cores))
            except ChildFailed as error:
                _publish_failure(folder, error, evidence)
                raise
            step.advance(1)
            if baseline is not None and rules.baseline is not None:
                require_same_setting(baseline, ran[0].summary, rules.baseline)
            counted = _counted(ran, rules.processes, most)
            if counted and baseline is not None and rules.baseline is not None:
                assert baseline.bench is not None
                gate = judge(
                    Medians.recorded(baseline.bench),
                    _medians(counted),
                    rules.baseline,
                    rules.fail_above,
                    same_pace=same_pace(baseline, ran[0].summary),
                )
        child = sorted(counted, key=lambda each: each.median_ms)[len(counted) // 2]
        medians = _medians(counted)
        section = msgspec.structs.replace(
            child.bench,
            process_medians_ms=medians.latency_ms,
            process_reading_ms=medians.reading_ms,
            process_pace_ms=medians.work_ms,
            pinned_cores=cores,
            gate=gate,
        )
        if gate is not None and not gate.decided:
            undecided = Fact("gate-undecided", {"processes": len(counted)})
            section = msgspec.structs.replace(section, warnings=(*section.warnings, undecided))
        return _publish(folder, child, section, evidence, set_aside=len(ran) - len(counted))


def _counted(ran: Sequence[_Child], wanted: int, most: int) -> Sequence[_Child]:
    """The undisturbed processes, where they are as many as wanted; else all, once there are no more; none before."""
    undisturbed = [child for child in ran if not child.is_disturbed]
    if len(undisturbed) >= wanted:
        return undisturbed
    return ran if len(ran) == most else ()


def _medians(ran: Sequence[_Child]) -> Medians:
    rows = [child.row for child in ran]
    return Medians(
        tuple(child.median_ms for child in ran),
        tuple(median(row.reading_samples_ms) for row in rows if row.reading_samples_ms),
        tuple(median(row.pace_samples_ms) for row in rows if row.pace_samples_ms),
    )


def _publish(folder: Logs, child: _Child, section: Bench, evidence: Evidence, *, set_aside: int = 0) -> Summary:
    """Publishes the chosen process's logs as this command's own, with what all processes came to at their end.

    `set_aside` is how many processes do not count.
    """
    summary = _as_own(child.summary, evidence, bench=section)
    with folder.start("bench", summary.model.id if summary.model else "model") as journal:
        for name in LOG_FILES.values():
            if (child.logs / name).exists():
                shutil.copyfile(child.logs / name, journal.folder / name)
        _log(journal, section, set_aside)
        return journal.publish(summary)


def _publish_failure(folder: Logs, error: ChildFailed, evidence: Evidence) -> None:
    """Publishes the record that a failed process kept, if it kept one, as this command's own."""
    if error.summary is None:
        return
    summary = _as_own(error.summary, evidence)
    with folder.start("bench", summary.model.id if summary.model else "model") as journal:
        journal.event("run", "failed", "error", message=error.message)
        journal.publish(summary)


def _as_own(summary: Summary, evidence: Evidence, **sections: Any) -> Summary:
    line = evidence.command_line
    return msgspec.structs.replace(summary, command=line, commands={"bench": line}, **sections)


def _log(journal: Journal, section: Bench, set_aside: int) -> None:
    journal.event(
        "run",
        "processes",
        medians_ms=section.process_medians_ms or None,
        reading_ms=section.process_reading_ms or None,
        pace_ms=section.process_pace_ms or None,
        set_aside=set_aside or None,
        cores=section.pinned_cores or None,
    )
    for row in section.rows:
        journal.event(
            "run",
            "row",
            status=row.status,
            dtype=row.dtype,
            mode=row.mode,
            threads=row.threads,
            batch_size=row.batch_size,
            median_ms=row.latency_ms and row.latency_ms.median,
            **reason_fields(row.reason),
        )
    if (gate := section.gate) is not None:
        journal.event(
            "run",
            "gate",
            "info" if gate.passed else "error",
            passed=gate.passed,
            ratio=gate.ratio,
            low=gate.interval.low,
            high=gate.interval.high,
            fail_above=gate.fail_above,
            paced=gate.paced,
            baseline=gate.baseline,
        )
