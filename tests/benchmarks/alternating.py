"""Whole processes measured side by side: in turns, so that a change of the machine's mood meets all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Contender:
    """A command under a name. `environment` is added to this process's own; `prepare` comes before, untimed.

    `accepted` are the exit codes with which it is done.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], object] = lambda: None
    accepted: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Run:
    """What one run of a command took."""

    seconds: float  # on the wall
    cpu_seconds: float  # of the process and of its children that were waited for
    peak_bytes: int  # of the largest process


@dataclass(frozen=True)
class Measured:
    """All runs of one contender."""

    name: str
    runs: tuple[Run, ...]

    @property
    def seconds(self) -> tuple[float, ...]:
        return tuple(run.seconds for run in self.runs)

    @property
    def median_seconds(self) -> float:
        return statistics.median(self.seconds)

    @property
    def median_peak_bytes(self) -> float:
        return statistics.median(run.peak_bytes for run in self.runs)

    @property
    def median_cpu_seconds(self) -> float:
        return statistics.median(run.cpu_seconds for run in self.runs)


@dataclass(frozen=True)
class Limit:
    """`subject` may cost at most `ratio` times what `baseline` costs; `figure` names a property of `Measured`."""

    subject: str
    baseline: str
    figure: str
    ratio: float


def run_once(contender: Contender, cwd: Path) -> Run:
    """The command, run to its end.

    Linux charges a child with its parent's peak at the fork, so the figure is never below that of this process, which
    must stay small. Raises `RuntimeError` with the output when the command fails: a failure is quick, and would win.
    """
    contender.prepare()
    environment = {**os.environ, **contender.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its bytecode
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(contender.command, cwd=cwd, env=environment, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in contender.accepted:
            output.seek(0)
            text = output.read().decode(errors="replace")
            raise RuntimeError(f"{contender.name} ended with {process.returncode}:\n{text}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Run(seconds, usage.ru_utime + usage.ru_stime, peak)


def measure(contenders: Sequence[Contender], *, rounds: int, cwd: Path) -> dict[str, Measured]:
    """Each contender once unmeasured (fills the page cache, writes bytecode), then `rounds` times in turns."""
    for contender in contenders:
        run_once(contender, cwd)
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds):
        # Every other round backwards: nobody always runs in the wake of the same neighbour.
        for contender in contenders if turn % 2 == 0 else reversed(contenders):
            runs[contender.name].append(run_once(contender, cwd))
    return {name: Measured(name, tuple(done)) for name, done in runs.items()}


def show(title: str, measured: Mapping[str, Measured], limits: Sequence[Limit]) -> bool:
    """Print medians, spread and ratios beside their limits; whether every limit holds."""
    console = Console()
    runs = Table(title=title)
    for heading in ("process", "median s", "min s", "max s", "CPU s", "peak MiB", "runs"):
        runs.add_column(heading, justify="left" if heading == "process" else "right")
    for each in measured.values():
        fastest, slowest = min(each.seconds), max(each.seconds)
        runs.add_row(
            each.name,
            f"{each.median_seconds:.3f}",
            f"{fastest:.3f}",
            f"{slowest:.3f}",
            f"{each.median_cpu_seconds:.3f}",
            f"{each.median_peak_bytes / 2**20:.0f}",
            str(len(each.seconds)),
        )
    console.print(runs)

    ratios = Table(title="ratios of medians")
    for heading in ("process", "against", "figure", "ratio", "limit", ""):
        ratios.add_column(heading, justify="right" if heading in {"ratio", "limit"} else "left")
    all_hold = True
    for limit in limits:
        subject, baseline = (getattr(measured[name], limit.figure) for name in (limit.subject, limit.baseline))
        ratio = subject / baseline
        holds = ratio <= limit.ratio
        all_hold = all_hold and holds
        ratios.add_row(
            limit.subject,
            limit.baseline,
            limit.figure.removeprefix("median_"),
            f"{ratio:.2f}",
            f"{limit.ratio:.2f}",
            "holds" if holds else "EXCEEDED",
        )
    if limits:
        console.print(ratios)
    return all_hold
