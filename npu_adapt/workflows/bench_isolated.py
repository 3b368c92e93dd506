"""`bench` in fresh processes: one for `--isolate`, several for a baseline or a gate."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from npu_adapt.evidence import LOG_FILES, Journal, Logs
from npu_adapt.progress import Progress, Step
from npu_adapt.records import Bench, Summary, Warning
from npu_adapt.timing.statistics import median
from npu_adapt.workflows.gate import MOST_PROCESSES, judge, read_bench_baseline, require_same_setting
from npu_adapt.workflows.processes import bench_in_process, idlest_cores


@dataclass(frozen=True)
class Isolation:
    """How many fresh processes, and what they are compared with."""

    processes: int = 1
    threads: int | None = None  # cores to pin to; None: not pinned
    baseline: Path | None = None
    fail_above: float = 0.05


def bench_isolated(
    arguments: Sequence[str], isolation: Isolation, *, logs: Path, command_line: str, progress: Progress
) -> Summary:
    """The median process's benchmark with the medians of all, and the gate where there is a baseline.

    `arguments` are those of `npu-adapt bench` that say what to measure. With a baseline more processes are run, up to
    `MOST_PROCESSES`, while the interval holds the limit.
    """
    folder = Logs(logs)
    folder.require_writable()
    baseline = None if isolation.baseline is None else read_bench_baseline(isolation.baseline)
    cores = () if isolation.threads is None else idlest_cores(isolation.threads)
    runs: list[tuple[Summary, Path]] = []
    try:
        with progress.task("measuring in fresh processes", total=isolation.processes) as step:
            for _ in range(isolation.processes):
                runs.append(_run(arguments, cores, step))
                if baseline is not None and isolation.baseline is not None:
                    require_same_setting(baseline, runs[0][0], isolation.baseline)
            gate = None
            while baseline is not None and isolation.baseline is not None:
                gate = judge(baseline, _medians(runs), isolation.baseline, isolation.fail_above)
                if gate.decided or len(runs) >= MOST_PROCESSES:
                    break
                runs.append(_run(arguments, cores, step))
        summary, own_logs = sorted(runs, key=lambda run: _median(run[0]))[len(runs) // 2]
        section = msgspec.structs.replace(
            _bench(summary), process_medians_ms=_medians(runs), pinned_cores=cores, gate=gate
        )
        if gate is not None and not gate.decided:
            message = f"{len(runs)} processes do not tell whether it is over the limit; more or a quieter machine would"
            section = msgspec.structs.replace(
                section, warnings=(*section.warnings, Warning(id="gate-undecided", message=message))
            )
        summary = msgspec.structs.replace(
            summary, command=command_line, commands={"bench": command_line}, bench=section
        )
        with folder.start("bench", summary.model.id if summary.model else "model") as journal:
            return _publish(journal, summary, own_logs)
    finally:
        for _, own_logs in runs:
            shutil.rmtree(own_logs, ignore_errors=True)


def _run(arguments: Sequence[str], cores: tuple[int, ...], step: Step) -> tuple[Summary, Path]:
    run = bench_in_process(arguments, cores)
    step.advance(1)
    return run


def _publish(journal: Journal, summary: Summary, own_logs: Path) -> Summary:
    """Publishes the chosen process's logs as this command's own, with what all processes came to at their end."""
    for name in LOG_FILES.values():
        if (own_logs / name).exists():
            shutil.copyfile(own_logs / name, journal.folder / name)
    section = _bench(summary)
    journal.event("run", "processes", medians_ms=section.process_medians_ms, cores=section.pinned_cores or None)
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
            baseline=gate.baseline,
        )
    return journal.publish(summary)


def _bench(summary: Summary) -> Bench:
    assert summary.bench is not None, "a benchmark that ended well has its section"
    return summary.bench


def _median(summary: Summary) -> float:
    return median(_bench(summary).samples_ms)


def _medians(runs: Sequence[tuple[Summary, Path]]) -> tuple[float, ...]:
    return tuple(_median(summary) for summary, _ in runs)
