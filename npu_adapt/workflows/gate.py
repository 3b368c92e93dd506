"""The regression gate: slower than an earlier benchmark, beyond noise?

One process's samples say how well that process's median is known, not how much the next process will differ. So the
gate compares medians of fresh processes, and its interval comes from their spread. On a CPU they are medians of the
latency over the pace that was measured in turns with it (`timing/pace.py`): the machine may be slower now than it was
then, and that is not the model's doing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from npu_adapt.errors import UsageError
from npu_adapt.evidence import read_summary
from npu_adapt.records import ConfidenceInterval, Gate, Summary
from npu_adapt.timing.statistics import group_ratio

FEWEST_PROCESSES = 5
MOST_PROCESSES = 15
SAME_SETTING = ("device", "dtype", "attention", "mode", "batch_size", "threads", "clock")


def read_bench_baseline(path: Path) -> Summary:
    """A summary with the medians of enough fresh processes. Raises `UsageError` for one without."""
    summary = read_summary(path)
    count = 0 if summary.bench is None else len(summary.bench.process_medians_ms)
    if count < FEWEST_PROCESSES:
        raise UsageError(
            f"{path} holds the medians of {count} fresh processes; a gate takes {FEWEST_PROCESSES}",
            hint=f"make a baseline with npu-adapt bench --processes {FEWEST_PROCESSES}, and keep its summary.json",
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
                f"{path} is about another {what.replace('_', ' ')}: {there} there, {here} here",
                hint="compare with a summary of the same model, weights, device and setting",
            )


def judge(
    baseline: Summary, medians_ms: tuple[float, ...], paced: tuple[float, ...], path: Path, fail_above: float
) -> Gate:
    """Fails when even the lower end of the ratio's 95 % interval is above `1 + fail_above`.

    Undecided, which passes, is when the interval holds that limit. `paced` are the medians over the pace; they are
    compared instead of `medians_ms` where both sides have them.
    """
    assert baseline.bench is not None
    before, paced_before = baseline.bench.process_medians_ms, baseline.bench.process_paced
    is_paced = bool(paced and paced_before)
    ratio = group_ratio(paced, paced_before) if is_paced else group_ratio(medians_ms, before)
    assert ratio is not None, "five against five have an interval"
    limit = 1 + fail_above
    return Gate(
        baseline=str(path),
        fail_above=fail_above,
        ratio=ratio.estimate,
        interval=ConfidenceInterval(low=ratio.low, high=ratio.high, confidence=ratio.confidence),
        baseline_medians_ms=before,
        paced=is_paced,
        passed=ratio.low <= limit,
        decided=not ratio.low <= limit <= ratio.high,
    )


def same_pace(baseline: Summary, now: Summary) -> bool:
    """Whether both sides' paces are of the same work: this tool says what it is, and Python does it."""
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
