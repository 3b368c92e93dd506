from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from npu_adapt.evidence import parse_log_line
from npu_adapt.records import decode
from tests.commands import CONSOLE_SCRIPT, Finished, run_process, running

QUIET = {"OMP_NUM_THREADS": "1", "NO_COLOR": "1"}


def bench(logs: Path, *options: str, timeout: float = 180) -> Finished:
    command = [CONSOLE_SCRIPT, "bench", "builtin:digits-vit", "--device", "cpu", "--logs", logs, *options]
    return run_process([str(part) for part in command], environment=QUIET, timeout=timeout)


def test_a_hundred_iterations_are_a_hundred_samples_in_the_record(tmp_path: Path) -> None:
    done = bench(tmp_path, "--iters", "100", "--warmup", "5", "--json")
    assert done.code == 0, done.stderr
    summary = decode(done.stdout.encode(), origin="stdout")
    assert summary.bench is not None and summary.run is not None
    section = summary.bench
    assert (len(section.samples_ms), section.iterations, section.warmup) == (100, 100, 5)
    assert section.latency_ms.min <= section.latency_ms.median <= section.latency_ms.max
    assert section.latency_ms.p99 is not None
    assert section.median_interval_ms is not None
    assert section.median_interval_ms.low <= section.latency_ms.median <= section.median_interval_ms.high
    row = section.rows[section.best_row]
    assert row.roofline is not None and row.roofline.flop > 0 and 0 < row.roofline.achieved < 1.5
    assert row.relative_l2 is not None and row.relative_l2 < 1e-5
    assert summary.run.status == "SUCCESS"
    assert summary.run.timings_ms is not None
    assert summary.run.timings_ms.warm_forward == section.latency_ms.median
    assert decode((tmp_path / "summary.json").read_bytes(), origin="file") == summary


def test_a_billion_iterations_end_at_the_time_limit_and_say_so(tmp_path: Path) -> None:
    done = bench(tmp_path, "--iters", "1000000000", "--max-seconds", "0.5", "--no-limits", "--json")
    assert done.code == 0, done.stderr
    warnings = {warning["id"]: warning["values"] for warning in json.loads(done.stdout)["bench"]["warnings"]}
    assert warnings["time-limit"]["iterations"] == 1_000_000_000


def test_an_interrupt_ends_it_with_130_and_logs_that_are_whole(tmp_path: Path) -> None:
    command = [CONSOLE_SCRIPT, "bench", "builtin:digits-vit", "--device", "cpu", "--logs", tmp_path]
    with running([*command, "--iters", "100000000"]) as process:
        while not any(b"measure state=begin" in log.read_bytes() for log in tmp_path.glob("history/*/run_npu.log")):
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    (log,) = tmp_path.glob("history/*/run_npu.log")
    _, level, event, fields = parse_log_line(log.read_text().splitlines()[-1])
    assert (level, event, fields["error"]) == ("ERROR", "ended", "KeyboardInterrupt")
    summary = decode((log.parent / "summary.json").read_bytes(), origin="the run's own")
    assert summary.run is not None and summary.run.failure is not None
    assert (summary.run.status, summary.run.failure.stage) == ("FAILED", "measure")


def test_a_sweep_measures_each_combination_and_marks_the_best(tmp_path: Path) -> None:
    picture = tmp_path / "sweep.png"
    done = bench(
        tmp_path / "logs",
        *("--iters", "20", "--warmup", "2", "--no-limits"),
        *(
            "--batch-size",
            "1,4",
            "--dtype",
            "float32,bfloat16",
            "--attention",
            "eager",
            "--plot",
            str(picture),
            "--details",
        ),
    )
    assert done.code == 0, done.stderr
    summary = decode((tmp_path / "logs" / "summary.json").read_bytes(), origin="file")
    assert summary.bench is not None
    rows = summary.bench.rows
    assert [(row.dtype, row.batch_size) for row in rows] == [
        ("float32", 1),
        ("float32", 4),
        ("bfloat16", 1),
        ("bfloat16", 4),
    ]
    assert {row.status for row in rows} == {"measured"}
    assert {row.attention for row in rows} == {"eager"}
    best = rows[summary.bench.best_row]
    assert best.throughput_per_s == max(row.throughput_per_s or 0 for row in rows)
    result = rows[summary.bench.result_row]
    assert (result.batch_size, result.dtype) == (1, "float32")  # one input, as asked for first
    assert summary.bench.latency_ms == result.latency_ms
    assert done.stdout.count("bfloat16") >= 2
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_row_that_cannot_run_says_why_and_the_sweep_goes_on(tmp_path: Path) -> None:
    done = bench(tmp_path, "--iters", "10", "--warmup", "1", "--no-limits", "--mode", "graph,eager", "--json")
    assert done.code == 0, done.stderr
    rows = json.loads(done.stdout)["bench"]["rows"]
    assert [(row["mode"], row["status"]) for row in rows] == [("graph", "failed"), ("eager", "measured")]
    assert "captures no graphs" in rows[0]["reason"]["values"]["message"]
    assert json.loads(done.stdout)["bench"]["best_row"] == 1


def test_a_single_row_that_cannot_run_is_a_failed_run(tmp_path: Path) -> None:
    done = bench(tmp_path, "--iters", "10", "--mode", "graph")
    assert done.code == 6
    assert "captures no graphs" in done.stderr
    assert "Traceback" not in done.stderr


def test_against_the_cpu_gives_a_speed_up_with_its_interval(tmp_path: Path) -> None:
    done = bench(tmp_path, "--iters", "30", "--warmup", "3", "--no-limits", "--against", "cpu", "--json")
    assert done.code == 0, done.stderr
    (row,) = json.loads(done.stdout)["bench"]["rows"]
    race = row["speed_up"]
    assert race["reference"] == "cpu"
    assert race["interval"]["low"] <= race["ratio"] <= race["interval"]["high"]
    assert 0.5 < race["ratio"] < 2.0  # the same forward on both sides


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--iters", "0"), "--iters 0"),
        (("--iters", "-3"), "--iters -3"),
        (("--warmup", "-1"), "--warmup -1"),
        (("--precision", "0"), "--precision 0"),
        (("--precision", "x"), "--precision x"),
        (("--max-seconds", "0"), "--max-seconds 0"),
        (("--batch-size", "1,0"), "'0' is not a whole number"),
        (("--threads", "two"), "'two' is not a whole number"),
        (("--dtype", "float33"), "'float33' is none of"),
        (("--mode", "fast"), "'fast' is none of"),
        (("--plot", "/nowhere/plot.png"), "--plot /nowhere/plot.png"),
    ],
)
def test_options_that_mean_nothing_are_usage_errors(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = bench(tmp_path / "logs", *options)
    assert done.code == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "logs").exists()
