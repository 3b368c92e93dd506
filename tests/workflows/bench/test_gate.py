from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from npu_adapt import records
from npu_adapt.progress import Silent
from npu_adapt.timing.statistics import latency
from npu_adapt.workflows.bench import isolated as bench_isolated
from npu_adapt.workflows.bench.gate import Medians, decide, same_pace
from npu_adapt.workflows.bench.options import BenchOptions, FreshProcesses
from npu_adapt.workflows.run.request import RunRequest
from tests.report import summaries


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


def gate_of(before: Medians, now: Medians, *, same_pace: bool = True) -> records.Gate:
    return decide(before, now, Path("b"), 0.05, same_pace=same_pace)


def test_the_same_thing_again_never_fails() -> None:
    draw = random.Random(0)
    gates = [
        gate_of(Medians(medians(draw, 1.0)), Medians(medians(draw, 1.0, count)))
        for count in (5, 9, 15)
        for _ in range(300)
    ]
    assert sum(not gate.passed for gate in gates) == 0


def test_fifteen_per_cent_slower_is_found_with_as_many_processes_as_the_gate_may_take() -> None:
    draw = random.Random(1)
    found = sum(not gate_of(Medians(medians(draw, 1.0)), Medians(medians(draw, 1.15, 15))).passed for _ in range(300))
    assert found >= 290  # against only five on the other side


def test_an_interval_that_holds_the_limit_is_undecided_and_passes() -> None:
    gate = gate_of(Medians((10.0, 10.5, 11.0, 11.5, 12.0)), Medians((10.5, 11.0, 11.5, 12.0, 12.5)))
    assert gate.passed and not gate.decided


def test_clearly_as_fast_is_decided() -> None:
    gate = gate_of(Medians((10.0, 10.01, 10.02, 10.03, 10.04)), Medians((10.0, 10.01, 10.02, 10.03, 10.04)))
    assert gate.passed and gate.decided
    assert gate.interval.low <= 1.0 <= gate.interval.high


def on_a_cpu(latency_ms: tuple[float, ...], *, reading: float = 1.0, work: float = 1.0) -> Medians:
    """Of a model of 8 ms, 2 of them for reading, when that takes `reading` and the core's work `work` times as long."""
    count = len(latency_ms)
    return Medians(latency_ms, (2.0 * reading,) * count, (0.7 * work,) * count)


def test_a_slower_machine_is_not_a_slower_model() -> None:
    draw = random.Random(2)
    before = tuple(8.0 / 8.1 * each for each in medians(draw, 1.0))
    slower = tuple(each * (0.5 * 1.4 + 0.5 * 1.2) for each in before)
    gate = gate_of(on_a_cpu(before), on_a_cpu(slower, reading=1.4, work=1.2))
    assert gate.paced and gate.passed and gate.reading_share == pytest.approx(0.5, abs=0.02)
    assert gate.ratio == pytest.approx(1.0, abs=0.03)
    assert not gate_of(on_a_cpu(before), on_a_cpu(slower)).passed


def test_a_slower_model_on_a_faster_machine_is_found() -> None:
    before = (7.9, 7.95, 8.0, 8.05, 8.1)
    now = tuple(1.15 * 0.85 * each for each in before)
    gate = gate_of(on_a_cpu(before), on_a_cpu(now, reading=0.85, work=0.85))
    assert not gate.passed and gate.ratio == pytest.approx(1.15, abs=0.01)


def test_what_the_pace_may_be_wrong_by_is_in_the_interval() -> None:
    before = (7.9, 7.95, 8.0, 8.05, 8.1)
    now = tuple(1.07 * 1.3 * each for each in before)
    assert not gate_of(on_a_cpu(before), on_a_cpu(tuple(1.07 * each for each in before))).passed
    gate = gate_of(on_a_cpu(before), on_a_cpu(now, reading=1.3, work=1.3))
    assert gate.ratio == pytest.approx(1.07, abs=0.005)
    assert gate.passed and not gate.decided
    assert gate.interval.low < 1.07 / 1.3**0.25 and gate.interval.high > 1.07 * 1.3**0.25


def test_without_the_same_pace_on_both_sides_the_medians_themselves_are_compared() -> None:
    before = (10.0, 10.01, 10.02, 10.03, 10.04)
    now = tuple(2 * each for each in before)
    for sides, is_same in (
        ((Medians(before), on_a_cpu(now, reading=2.0, work=2.0)), True),
        ((on_a_cpu(before), Medians(now)), True),
        ((on_a_cpu(before), on_a_cpu(now, reading=2.0, work=2.0)), False),
    ):
        gate = gate_of(*sides, same_pace=is_same)
        assert not gate.paced and gate.reading_share is None and not gate.passed


def test_a_model_that_does_little_but_read_has_a_share_of_one_at_most() -> None:
    assert Medians((1.0,), (0.6,), (0.7,)).reading_share == 1.0


def test_only_paces_of_the_same_work_are_compared() -> None:
    def at(tool: str, python: str) -> records.Summary:
        environment = replace(summaries.ENVIRONMENT, python=python)
        return replace(
            baseline((10.0,) * 5), tool=records.ToolInfo(name="npu-adapt", version=tool), environment=environment
        )

    assert same_pace(at("1", "3.11.7"), at("1", "3.11.7"))
    assert not same_pace(at("1", "3.11.7"), at("2", "3.11.7"))
    assert not same_pace(at("1", "3.11.7"), at("1", "3.12.1"))


# --- which processes count ------------------------------------------------------------------------


def gated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, processes: list[tuple[float, bool]]) -> records.Bench:
    """What comes of a gate whose fresh processes have these medians beside one pace, and whether each was disturbed."""
    left = iter(processes)

    def fresh_process(
        request: RunRequest, options: BenchOptions, cores: tuple[int, ...]
    ) -> tuple[records.Summary, Path]:
        assert options.with_pace
        median, disturbed = next(left)
        summary = baseline((median,) * 6)
        assert summary.bench is not None
        row = records.BenchRow(
            dtype="float32",
            attention="sdpa",
            mode="eager",
            threads=1,
            batch_size=1,
            status="measured",
            samples_ms=(median,) * 6,
            reading_samples_ms=(1.0,) * 6,
            pace_samples_ms=(1.0,) * 6,
        )
        warnings = (records.Fact("foreign-load", {"busy_cores": 1.0, "cores": 2}),) if disturbed else ()
        section = replace(summary.bench, rows=(row,), best_row=0, warnings=warnings, process_medians_ms=())
        logs = tmp_path / "child"
        logs.mkdir(exist_ok=True)
        return replace(summary, bench=section), logs

    monkeypatch.setattr(bench_isolated, "bench_in_process", fresh_process)
    before = baseline((9.9, 10.0, 10.0, 10.1, 10.2))
    assert before.bench is not None
    section = replace(before.bench, process_reading_ms=(1.0,) * 5, process_pace_ms=(1.0,) * 5)
    (tmp_path / "baseline.json").write_bytes(records.encode(replace(before, bench=section)))
    summary = bench_isolated.bench_gated(
        RunRequest("bench", "npu-adapt bench", logs=tmp_path / "logs"),
        BenchOptions(threads=(1,)),
        FreshProcesses(processes=5, baseline=tmp_path / "baseline.json"),
        Silent(),
    )
    assert summary.bench is not None and next(left, None) is None, "all processes were asked for, and no more"
    return summary.bench


QUIET, BUSY = (10.0, False), (13.0, True)


def test_a_process_beside_others_work_is_set_aside_and_run_again(monkeypatch, tmp_path) -> None:
    found = gated(monkeypatch, tmp_path, [BUSY, QUIET, QUIET, BUSY, QUIET, QUIET, BUSY, QUIET])
    assert found.process_medians_ms == (10.0,) * 5
    assert found.gate is not None and found.gate.passed and found.gate.decided
    assert "set_aside=3" in (tmp_path / "logs" / "run_npu.log").read_text()


def test_a_slow_down_is_found_beside_disturbed_processes_too(monkeypatch, tmp_path) -> None:
    slower = (12.0, False)
    found = gated(monkeypatch, tmp_path, [BUSY, slower, slower, (10.0, True), slower, slower, slower])
    assert found.gate is not None and not found.gate.passed and found.gate.ratio == pytest.approx(1.2)


def test_where_it_is_never_quiet_all_processes_count(monkeypatch, tmp_path) -> None:
    found = gated(monkeypatch, tmp_path, [(20.0, True)] * 15)
    assert len(found.process_medians_ms) == 15
    assert found.gate is not None and not found.gate.passed
    assert {warning.id for warning in found.warnings} == {"foreign-load"}
