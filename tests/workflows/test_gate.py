from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from npu_adapt import records
from npu_adapt.timing.statistics import latency
from npu_adapt.workflows.gate import judge


def baseline(medians: tuple[float, ...]) -> records.Summary:
    section = records.Bench(
        device="cpu",
        dtype="float32",
        batch_size=1,
        warmup=0,
        iterations=1,
        latency_ms=latency(medians),
        samples_ms=medians,
        throughput_per_s=1.0,
        peak_memory_bytes=None,
        process_medians_ms=medians,
    )
    return records.Summary(
        schema_version=1, tool=records.ToolInfo(name="npu-adapt", version="0"), created_at="", command="", bench=section
    )


def medians(draw: random.Random, scale: float, count: int = 5) -> tuple[float, ...]:
    """As fresh processes give them here: MiniLM's eight medians lie between 7.67 and 8.58 ms."""
    return tuple(scale * draw.gauss(8.1, 0.3) for _ in range(count))


def test_the_same_thing_again_never_fails() -> None:
    draw = random.Random(0)
    gates = [
        judge(baseline(medians(draw, 1.0)), medians(draw, 1.0, count), (), Path("b"), 0.05)
        for count in (5, 9, 15)
        for _ in range(300)
    ]
    assert sum(not gate.passed for gate in gates) == 0


def test_fifteen_per_cent_slower_is_found_with_as_many_processes_as_the_gate_may_take() -> None:
    draw = random.Random(1)
    found = sum(
        not judge(baseline(medians(draw, 1.0)), medians(draw, 1.15, 15), (), Path("b"), 0.05).passed for _ in range(300)
    )
    assert found >= 290  # against only five on the other side


def test_an_interval_that_holds_the_limit_is_undecided_and_passes() -> None:
    gate = judge(baseline((10.0, 10.5, 11.0, 11.5, 12.0)), (10.5, 11.0, 11.5, 12.0, 12.5), (), Path("b"), 0.05)
    assert gate.passed and not gate.decided


def test_clearly_as_fast_is_decided() -> None:
    gate = judge(baseline((10.0, 10.01, 10.02, 10.03, 10.04)), (10.0, 10.01, 10.02, 10.03, 10.04), (), Path("b"), 0.05)
    assert gate.passed and gate.decided
    assert gate.interval.low <= 1.0 <= gate.interval.high


def test_a_slower_machine_is_not_a_slower_model() -> None:
    draw = random.Random(2)
    before = medians(draw, 1.0)
    slower = tuple(median * 1.4 for median in before)
    summary = paced_baseline(before, over_pace=before)
    gate = judge(summary, slower, before, Path("b"), 0.05)
    assert gate.paced and gate.passed and gate.ratio == pytest.approx(1.0, abs=0.03)
    assert not judge(summary, slower, slower, Path("b"), 0.05).passed


def test_without_a_pace_on_both_sides_the_medians_themselves_are_compared() -> None:
    before = (10.0, 10.01, 10.02, 10.03, 10.04)
    for summary, over_pace in ((baseline(before), before), (paced_baseline(before, before), ())):
        gate = judge(summary, tuple(2 * median for median in before), over_pace, Path("b"), 0.05)
        assert not gate.paced and not gate.passed


def paced_baseline(medians: tuple[float, ...], over_pace: tuple[float, ...]) -> records.Summary:
    summary = baseline(medians)
    assert summary.bench is not None
    return replace(summary, bench=replace(summary.bench, process_paced=over_pace))
