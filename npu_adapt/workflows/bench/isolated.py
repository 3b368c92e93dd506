"""`bench` in fresh processes: one for each row of `--isolate`, several for a baseline or a gate."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from npu_adapt.errors import ExitCode, Sentence, UsageError
from npu_adapt.evidence import Journal, Logs
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Bench, BenchRow, Fact, Gate, Summary
from npu_adapt.timing.statistics import median
from npu_adapt.workflows.bench.choice import best_row, result_row
from npu_adapt.workflows.bench.gate import (
    FEWEST_PROCESSES,
    MOST_PROCESSES,
    Medians,
    decide,
    read_bench_baseline,
    require_same_setting,
    same_pace,
)
from npu_adapt.workflows.bench.options import BenchOptions, FreshProcesses
from npu_adapt.workflows.bench.settings import reason_fields
from npu_adapt.workflows.processes.fresh import ChildFailed, bench_in_process, idlest_cores
from npu_adapt.workflows.run.request import RunRequest

# What is wrong with the command or the model is wrong in every row.
ENDS_THE_SWEEP = frozenset((ExitCode.USAGE, ExitCode.MODEL))


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
        return self.bench.rows[self.bench.result_row]


class _Children(ExitStack):
    """Runs processes one after the other; their logs last as long as the context."""

    def run(self, request: RunRequest, options: BenchOptions, cores: tuple[int, ...]) -> _Child:
        child = _Child(*bench_in_process(request, options, cores))
        self.callback(shutil.rmtree, child.logs, ignore_errors=True)
        return child


def bench_in_fresh_processes(
    request: RunRequest, options: BenchOptions, fresh: FreshProcesses, progress: Progress
) -> Summary:
    """The benchmark as `fresh` asks for it. Raises `UsageError` for several rows where one setting is measured."""
    if not fresh.measure_one_setting:
        return bench_isolated(request, options, progress)
    if fresh.baseline is not None and fresh.processes is not None and fresh.processes < FEWEST_PROCESSES:
        raise UsageError(
            Sentence(
                "--processes {processes}: a gate takes {fewest_processes} or more",
                processes=fresh.processes,
                fewest_processes=FEWEST_PROCESSES,
            ),
            hint="leave --processes out",
        )
    if len([*options.each()]) > 1:
        raise UsageError(
            "--processes and --baseline measure one setting, and the options make a sweep",
            hint="sweep first, with --isolate if need be, then give the best row's options with --processes",
        )
    return bench_gated(request, options, fresh, progress)


def bench_isolated(request: RunRequest, options: BenchOptions, progress: Progress) -> Summary:
    """Every row in a process of its own; one that fails or dies is a failed row, and the others go on.

    Raises what the first said where none could be measured, and at once what is about the command or the model.
    """
    folder = _writable_logs(request)
    each = [*options.each()]
    with _Children() as children:
        rows: list[BenchRow] = []
        ran: dict[int, tuple[_Child, tuple[int, ...]]] = {}
        first_failure: ChildFailed | None = None
        with progress.task(doing("measuring-in-processes"), total=len(each)) as step:
            for number, one in enumerate(each):
                cores = _cores(one)
                try:
                    child = children.run(request, one, cores)
                except ChildFailed as error:
                    if error.exit_code in ENDS_THE_SWEEP:
                        raise
                    first_failure = first_failure or error
                    rows.append(_failed_row(one, error.reason))
                else:
                    ran[number] = (child, cores)
                    rows += child.bench.rows
                step.advance(1)
        if first_failure is not None and not ran:
            _publish_failure(folder, first_failure)
            raise first_failure
        result = result_row(tuple(rows))
        child, cores = ran[result]
        section = msgspec.structs.replace(
            child.bench, rows=tuple(rows), best_row=best_row(tuple(rows)), result_row=result, pinned_cores=cores
        )
        return _publish(folder, child, section, progress.say)


def _writable_logs(request: RunRequest) -> Logs:
    folder = Logs(request.logs)
    folder.require_writable()
    return folder


def _cores(options: BenchOptions) -> tuple[int, ...]:
    """Those that the row's process is pinned to; as torch decides is all."""
    return idlest_cores(options.threads[0] if options.threads else None)


def _failed_row(options: BenchOptions, reason: Fact) -> BenchRow:
    """A row of which no more is known than what was asked for."""
    return BenchRow(
        dtype=options.dtypes[0],
        attention=options.attentions[0],
        mode=options.modes[0],
        threads=options.threads[0] if options.threads else 0,
        batch_size=options.batch_sizes[0],
        status="failed",
        reason=reason,
    )


def bench_gated(request: RunRequest, options: BenchOptions, fresh: FreshProcesses, progress: Progress) -> Summary:
    """The median process's benchmark with the medians of all that count, and the gate where there is a baseline.

    A process beside others' work counts only where there are not enough without. With a baseline more processes are
    run, up to `MOST_PROCESSES`, while the interval holds the limit.
    """
    folder = _writable_logs(request)
    baseline = None if fresh.baseline is None else read_bench_baseline(fresh.baseline)
    cores = _cores(options)
    with_pace = dataclasses.replace(options, with_pace=True)
    wanted = fresh.processes or FEWEST_PROCESSES
    most = max(wanted, MOST_PROCESSES)
    with _Children() as children, progress.task(doing("measuring-in-processes"), total=wanted) as step:
        ran: list[_Child] = []
        counted: Sequence[_Child] = ()
        gate: Gate | None = None
        while len(ran) < most and (not counted or (gate is not None and not gate.decided)):
            try:
                ran.append(children.run(request, with_pace, cores))
            except ChildFailed as error:
                _publish_failure(folder, error)
                raise
            step.advance(1)
            if baseline is not None and fresh.baseline is not None:
                require_same_setting(baseline, ran[0].summary, fresh.baseline)
            counted = _counted(ran, wanted, most)
            if counted and baseline is not None and fresh.baseline is not None:
                assert baseline.bench is not None
                gate = decide(
                    Medians.recorded(baseline.bench),
                    _medians(counted),
                    fresh.baseline,
                    fresh.fail_above,
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
        return _publish(folder, child, section, progress.say, set_aside=len(ran) - len(counted))


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


def _publish(folder: Logs, child: _Child, section: Bench, say: Callable[[str], None], *, set_aside: int = 0) -> Summary:
    """Publishes the chosen process's logs as this command's own, with what all processes came to at their end.

    `set_aside` is how many processes do not count.
    """
    summary = msgspec.structs.replace(child.summary, bench=section)
    with folder.start("bench", summary.model.id if summary.model else "model") as journal:
        journal.adopt(child.logs)
        _log(journal, section, set_aside)
        return journal.publish(summary, say)


def _publish_failure(folder: Logs, error: ChildFailed) -> None:
    """Publishes the record that a failed process kept, if it kept one, as this command's own."""
    if error.summary is None:
        return
    summary = error.summary
    with folder.start("bench", summary.model.id if summary.model else "model") as journal:
        journal.event("run", "failed", "error", message=error.message)
        journal.publish(summary)


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
