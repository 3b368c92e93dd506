"""From a forward to a row's figures of time, and what they warn of."""

from __future__ import annotations

from typing import Any

import torch

from npu_adapt.numerics.formats import dtype_name
from npu_adapt.progress import Step
from npu_adapt.records import ConfidenceInterval, Fact, SpeedUp
from npu_adapt.timing import load, loop, statistics
from npu_adapt.timing.clock import clock_resolution_ms
from npu_adapt.timing.pace import fixed_work
from npu_adapt.workflows.bench.settings import Measurement, Setting
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.session import Session

MINIMUM_FOR_P99 = statistics.MINIMUM_SAMPLES[0.99]


def timing_fields(
    session: Session, setting: Setting, workload: loop.Workload, how: Measurement, step: Step
) -> dict[str, Any]:
    """Measures the forward, in turns with the rival if there is one; the row's fields of time."""
    device, task = session.device, session.loaded.task
    workloads = [workload]
    if (rival := how.rival) is not None:
        tensors = task.batch(rival.tensors(session.samples[0]), setting.batch_size)
        workloads.append(loop.Workload(lambda: rival.call(tensors), rival.device.synchronize))
    if how.with_pace:
        workloads.append(loop.Workload(fixed_work, is_awaited=False))
    before: list[load.Counters] = []
    told = 0

    def on_sample(rounds: int) -> None:
        nonlocal told
        step.advance(rounds - told)
        told = rounds

    measured = loop.measure_alternately(
        workloads, how.rules, on_sample=on_sample, on_start=lambda: before.append(load.read_counters(device))
    )
    own = measured[0]
    samples = own.device_ms or own.host_ms
    host_median = statistics.median(own.host_ms)
    throughput = 1e3 * setting.batch_size / host_median
    sample = session.samples[0]
    prompt = None if task.generation is None else sample.tensors["input_ids"].shape[1]
    return {
        "warmup": len(own.warmup_ms),
        "iterations": len(samples),
        "ended_by": own.ended_by,
        "steady": own.steady,
        "latency_ms": statistics.latency(samples),
        "median_interval_ms": interval_of(samples),
        "samples_ms": samples,
        "reading_samples_ms": own.prepare_ms,
        "pace_samples_ms": measured[-1].host_ms if how.with_pace else (),
        "host_samples_ms": own.host_ms if own.device_ms is not None else (),
        "launch_gap_ms": host_median - statistics.median(own.device_ms) if own.device_ms is not None else None,
        "warmup_ms": sum(own.warmup_ms),
        "throughput_per_s": throughput,
        "real_time_factor": None if sample.seconds is None else 1 / (throughput * sample.seconds),
        "prefill_tokens_per_s": None if prompt is None else throughput * prompt,
        "speed_up": None if rival is None else _speed_up(rival, measured[1], own),
        "warnings": (
            *load.warnings_between(before[0], load.read_counters(device)),
            *_own_warnings(own, how.rules, samples),
        ),
    }


def interval_of(samples: tuple[float, ...]) -> ConfidenceInterval | None:
    """The confidence interval of the samples' median; None below six samples."""
    found = statistics.median_interval(samples)
    return None if found is None else _interval(found)


def _interval(found: statistics.Interval | statistics.Ratio) -> ConfidenceInterval:
    return ConfidenceInterval(low=found.low, high=found.high, confidence=found.confidence)


def _own_warnings(own: loop.Samples, rules: loop.Rules, samples: tuple[float, ...]) -> tuple[Fact, ...]:
    """What the samples say against themselves, and what kept them from being what was asked for."""
    found = list(statistics.warnings_of(samples, resolution_ms=clock_resolution_ms()))
    if own.steady is False:
        found.append(Fact("not-steady"))
    if own.ended_by == "max-seconds":
        asked = {"iterations": rules.iterations, "precision": rules.precision}
        found.append(Fact("time-limit", {"samples": len(samples), **asked}))
    if len(samples) < MINIMUM_FOR_P99:
        found.append(Fact("few-samples", {"samples": len(samples), "needed": MINIMUM_FOR_P99}))
    return tuple(found)


def _speed_up(rival: Side, reference: loop.Samples, own: loop.Samples) -> SpeedUp:
    ratio = statistics.paired_ratio(reference.host_ms, own.host_ms)
    reference_median = statistics.median(reference.host_ms)
    return SpeedUp(
        reference=rival.device.name,
        reference_dtype=dtype_name(rival.dtype),
        reference_threads=torch.get_num_threads(),
        reference_median_ms=reference_median,
        ratio=ratio.estimate if ratio is not None else reference_median / statistics.median(own.host_ms),
        interval=None if ratio is None else _interval(ratio),
    )
