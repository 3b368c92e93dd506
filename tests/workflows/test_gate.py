from __future__ import annotations

import random
from pathlib import Path

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
        judge(baseline(medians(draw, 1.0)), medians(draw, 1.0, count), Path("b"), 0.05)
        for count in (5, 9, 15)
        for _ in range(300)
    ]
    assert sum(not gate.passed for gate in gates) == 0


def test_fifteen_per_cent_slower_is_found_with_as_many_processes_as_the_gate_may_take() -> None:
    draw = random.Random(1)
    found = sum(
        not judge(baseline(medians(draw, 1.0)), medians(draw, 1.15, 15), Path("b"), 0.05).passed for _ in range(300)
    )
    assert found >= 290  # against only five on the other side


def test_an_interval_that_holds_the_limit_is_undecided_and_passes() -> None:
    gate = judge(baseline((10.0, 10.5, 11.0, 11.5, 12.0)), (10.5, 11.0, 11.5, 12.0, 12.5), Path("b"), 0.05)
    assert gate.passed and not gate.decided


def test_clearly_as_fast_is_decided() -> None:
    gate = judge(baseline((10.0, 10.01, 10.02, 10.03, 10.04)), (10.0, 10.01, 10.02, 10.03, 10.04), Path("b"), 0.05)
    assert gate.passed and gate.decided
    assert gate.interval.low <= 1.0 <= gate.interval.high
