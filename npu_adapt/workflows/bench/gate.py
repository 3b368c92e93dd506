"""The regression gate: slower than an earlier benchmark, beyond noise?

One process's samples say how well that process's median is known, not how much the next process will differ. So the
gate compares medians of fresh processes, and its interval comes from their spread. On a CPU each is divided by the pace
that was measured with it (`timing/pace.py`): the machine may be slower now than it was then, and that is not the
model's doing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.records import Bench, ConfidenceInterval, Gate, Summary
from npu_adapt.timing.pace import PACE_DOUBT, paced, reading_share
from npu_adapt.timing.statistics import group_ratio, median
from npu_adapt.workflows.reading import read_checked

FEWEST_PROCESSES = 5
MOST_PROCESSES = 15
SAME_SETTING = ("device", "dtype", "attention", "mode", "batch_size", "threads", "clock")


@dataclass(frozen=True)
class Medians:
    """Medians of fresh processes, milliseconds: of the latency, of reading the weights before it, of the fixed work.

    The last two are empty where no CPU was measured.
    """

    latency_ms: tuple[float, ...]
    reading_ms: tuple[float, ...] = ()
    work_ms: tuple[float, ...] = ()

    @classmethod
    def recorded(cls, bench: Bench) -> Medians:
        """Those in a record."""
        return cls(bench.process_medians_ms, bench.process_reading_ms, bench.process_pace_ms)

    @property
    def reading_share(self) -> float | None:
        """How much of the latency changes as reading the weights does. None without a pace."""
        if not (self.reading_ms and self.work_ms):
            return None
        return reading_share(median(self.latency_ms), median(self.reading_ms))

    def paced(self, reading_share: float) -> tuple[float, ...]:
        """The latencies over the pace of their processes."""
        each = zip(self.latency_ms, self.reading_ms, self.work_ms, strict=True)
        return tuple(paced(*figures, reading_share) for figures in each)


def read_bench_baseline(path: Path) -> Summary:
    """A summary with the medians of enough fresh processes. Raises `UsageError` for one without."""
    summary = read_checked(path)
    count = 0 if summary.bench is None else len(summary.bench.process_medians_ms)
    if count < FEWEST_PROCESSES:
        raise UsageError(
            Sentence(
                "{path} holds the medians of {count} fresh processes; a gate takes {fewest_processes}",
                path=path,
                count=count,
                fewest_processes=FEWEST_PROCESSES,
            ),
            hint=Sentence(
                "make a baseline with npu-adapt bench --processes {fewest_processes}, and keep its summary.json",
                fewest_processes=FEWEST_PROCESSES,
            ),
        )
    assert summary.bench is not None
    medians = Medians.recorded(summary.bench)
    for figures in (medians.latency_ms, medians.reading_ms, medians.work_ms):
        if len(figures) not in (0, count) or not all(figure > 0 for figure in figures):
            raise UsageError(
                Sentence(
                    "{path} is damaged: its {count} fresh processes do not each have a time above zero",
                    path=path,
                    count=count,
                ),
                hint="make the baseline again",
            )
    return summary


def require_same_setting(baseline: Summary, now: Summary, path: Path) -> None:
    """Raises `UsageError` where model, weights, inputs, device or setting differ: their times are not comparable."""
    assert baseline.bench is not None and now.bench is not None
    sides: dict[str, tuple[Any, Any]] = {
        "model": (_model(baseline), _model(now)),
        "weights": (_weights(baseline), _weights(now)),
        "inputs": (_inputs(baseline), _inputs(now)),
        "device name": (_device_name(baseline), _device_name(now)),
        **{name: (getattr(baseline.bench, name), getattr(now.bench, name)) for name in SAME_SETTING},
    }
    for what, (there, here) in sides.items():
        if there != here:
            raise UsageError(
                Sentence(
                    "{path} is about another {what}: {there} there, {here} here",
                    path=path,
                    what=what.replace("_", " "),
                    there=there,
                    here=here,
                ),
                hint="compare with a summary of the same model, weights, device and setting",
            )


def decide(before: Medians, now: Medians, path: Path, fail_above: float, *, same_pace: bool) -> Gate:
    """Fails when even the lower end of the ratio's 95 % interval is above `1 + fail_above`.

    Undecided, which passes, is when the interval holds that limit. Where both sides have a pace, and `same_pace` says
    that it is of the same work, the latencies over it are compared; the interval is then wider by what is in doubt of
    the pace's own change.
    """
    ratio = group_ratio(now.latency_ms, before.latency_ms)
    assert ratio is not None, "five against five have an interval"
    share = before.reading_share if same_pace and now.reading_share is not None else None
    if share is not None:
        over_pace = group_ratio(now.paced(share), before.paced(share))
        assert over_pace is not None
        pace_change = ratio.estimate / over_pace.estimate
        doubt = max(pace_change, 1 / pace_change) ** PACE_DOUBT
        ratio = replace(over_pace, low=over_pace.low / doubt, high=over_pace.high * doubt)
    limit = 1 + fail_above
    return Gate(
        baseline=str(path),
        fail_above=fail_above,
        ratio=ratio.estimate,
        interval=ConfidenceInterval(low=ratio.low, high=ratio.high, confidence=ratio.confidence),
        baseline_medians_ms=before.latency_ms,
        paced=share is not None,
        reading_share=share,
        passed=ratio.low <= limit,
        decided=not ratio.low <= limit <= ratio.high,
    )


def same_pace(baseline: Summary, now: Summary) -> bool:
    """Whether both sides' fixed work is the same: this tool says what it is, and Python does it."""
    tools = {each.tool.version for each in (baseline, now)}
    pythons = {each.environment.python for each in (baseline, now) if each.environment is not None}
    return len(tools) == len(pythons) == 1


def _model(summary: Summary) -> tuple[str, str] | None:
    return None if summary.model is None else (summary.model.id, summary.model.task)


def _weights(summary: Summary) -> tuple[str, ...]:
    return () if summary.weights is None else tuple(sorted(file.sha256 for file in summary.weights.files))


def _inputs(summary: Summary) -> tuple[str, ...]:
    return () if summary.run is None else tuple(entry.sha256 for entry in summary.run.inputs)


def _device_name(summary: Summary) -> str | None:
    """What is under the device's name: another card answers to npu:0 too, and another processor to cpu."""
    environment = summary.environment
    if environment is None or summary.bench is None:
        return None
    _, _, index = summary.bench.device.partition(":")
    named = [device.name for device in environment.devices if index and device.index == int(index)]
    return named[0] if named else environment.cpu
