from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from npu_adapt.records import Fact, Summary, decode, encode
from npu_adapt.timing.statistics import median
from tests.cli.conftest import Invoke
from tests.commands import CONSOLE_SCRIPT, Finished, run_process, running

QUICK = ("--iters", "20", "--warmup", "3", "--no-limits", "--threads", "1")


# Found by the fresh interpreters: the process that measures two at once is killed, as one without memory would be.
KILLED_AT_BATCH_2 = """
import os, signal, sys
if "npu_adapt.cli.child" in sys.orig_argv:
    call = b"".join(iter(lambda: os.read(0, 1 << 16), b""))
    if b'"batch_sizes":[2]' in call:
        os.kill(os.getpid(), signal.SIGKILL)
    reader, writer = os.pipe()  # what was read is there again
    os.write(writer, call)
    os.close(writer)
    os.dup2(reader, 0)
"""


def arguments(logs: Path, *options: str) -> tuple[str, ...]:
    return ("bench", "builtin:digits-vit", "--device", "cpu", "--logs", str(logs), *QUICK, *options)


def bench(logs: Path, *options: str, path: Path | None = None) -> Finished:
    environment = {"OMP_NUM_THREADS": "1", "NO_COLOR": "1"} | ({} if path is None else {"PYTHONPATH": str(path)})
    return run_process([str(CONSOLE_SCRIPT), *arguments(logs, *options)], environment=environment)


def refused(invoke: Invoke, logs: Path, *options: str) -> str:
    """What is said of options that are refused before anything is measured."""
    done = invoke(*arguments(logs, *options))
    assert done.exit_code == 2, done.output
    return " ".join(done.stderr.split())


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A summary with the medians of five fresh processes."""
    logs = tmp_path_factory.mktemp("baseline")
    done = bench(logs, "--processes", "5")
    assert done.code == 0, done.stderr
    return logs / "summary.json"


def faster(baseline: Path, target: Path, times: float) -> Path:
    """The baseline as a model `times` as fast would have written it."""
    summary = read(baseline)
    assert summary.bench is not None
    medians = tuple(value / times for value in summary.bench.process_medians_ms)
    section = msgspec.structs.replace(summary.bench, process_medians_ms=medians)
    target.write_bytes(encode(msgspec.structs.replace(summary, bench=section)))
    return target


def read(path: Path) -> Summary:
    return decode(path.read_bytes(), origin=str(path))


def test_the_record_keeps_the_medians_of_fresh_processes_and_the_logs_of_one(baseline: Path) -> None:
    section = read(baseline).bench
    assert section is not None
    each = (section.process_medians_ms, section.process_reading_ms, section.process_pace_ms)
    assert [len(medians) for medians in each] == [5, 5, 5]
    row = section.rows[section.best_row]
    assert len(row.samples_ms) == len(row.reading_samples_ms) == len(row.pace_samples_ms) == 20
    assert median(row.reading_samples_ms) in section.process_reading_ms
    assert len(section.pinned_cores) == 1
    assert "processes medians_ms=" in (baseline.parent / "run_npu.log").read_text()


@pytest.mark.alone
def test_three_times_slower_is_exit_3_and_said(baseline: Path, tmp_path: Path) -> None:
    done = bench(tmp_path / "logs", "--baseline", str(faster(baseline, tmp_path / "fast.json", 3.0)))
    assert done.code == 3, done.stderr
    assert "Gate FAILED" in done.stdout
    gate = json.loads((tmp_path / "logs" / "summary.json").read_text())["bench"]["gate"]
    assert gate["passed"] is False and gate["interval"]["low"] > 1.05
    assert gate["paced"] is True


def test_a_baseline_of_another_setting_is_a_usage_error(baseline: Path, tmp_path: Path, invoke: Invoke) -> None:
    said = refused(invoke, tmp_path / "logs", "--baseline", str(baseline), "--batch-size", "2")
    assert "another batch size" in said


def test_a_baseline_of_another_model_is_a_usage_error(baseline: Path, tmp_path: Path, invoke: Invoke) -> None:
    summary = read(baseline)
    assert summary.model is not None
    other = msgspec.structs.replace(summary, model=msgspec.structs.replace(summary.model, id="google/another"))
    path = tmp_path / "other.json"
    path.write_bytes(encode(other))
    assert "another model" in refused(invoke, tmp_path / "logs", "--baseline", str(path))


def test_a_baseline_without_fresh_processes_is_a_usage_error(tmp_path: Path, invoke: Invoke) -> None:
    assert invoke(*arguments(tmp_path, "--json")).exit_code == 0
    assert "--processes 5" in refused(invoke, tmp_path / "logs", "--baseline", str(tmp_path / "summary.json"))


@pytest.mark.parametrize(
    "damage", [{"process_reading_ms": (1.0, 1.0)}, {"process_pace_ms": (0.0,) * 5}, {"process_medians_ms": (-1.0,) * 5}]
)
def test_a_damaged_baseline_is_a_usage_error(
    baseline: Path, tmp_path: Path, invoke: Invoke, damage: dict[str, tuple[float, ...]]
) -> None:
    summary = read(baseline)
    assert summary.bench is not None
    path = tmp_path / "damaged.json"
    path.write_bytes(encode(msgspec.structs.replace(summary, bench=msgspec.structs.replace(summary.bench, **damage))))
    assert "is damaged" in refused(invoke, tmp_path / "logs", "--baseline", str(path))


def test_a_gate_takes_one_setting(tmp_path: Path, invoke: Invoke) -> None:
    assert "one setting" in refused(invoke, tmp_path, "--processes", "5", "--batch-size", "1,2")


def test_what_fails_in_the_fresh_process_fails_with_its_message_code_and_record(tmp_path: Path) -> None:
    done = bench(tmp_path, "--isolate", "--mode", "graph")
    assert done.code == 6
    assert "captures no graphs" in " ".join(done.stderr.split())
    summary = read(tmp_path / "summary.json")
    assert summary.run is not None and summary.run.status == "FAILED"
    assert "--isolate" in summary.command


def test_isolated_rows_are_processes_of_their_own_pinned_to_cores(tmp_path: Path) -> None:
    done = bench(tmp_path, "--isolate", "--mode", "graph,eager", "--batch-size", "1,2")
    assert done.code == 0, done.stderr
    summary = read(tmp_path / "summary.json")
    section = summary.bench
    assert section is not None
    assert [(row.mode, row.batch_size, row.status) for row in section.rows] == [
        ("graph", 1, "failed"),
        ("graph", 2, "failed"),
        ("eager", 1, "measured"),
        ("eager", 2, "measured"),
    ]
    assert section.best_row in (2, 3) and (section.result_row, section.batch_size) == (2, 1)
    assert len(section.pinned_cores) == 1
    assert section.process_medians_ms == ()
    assert "--isolate" in summary.command


def test_a_process_that_is_killed_is_a_failed_row(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(KILLED_AT_BATCH_2)
    done = bench(tmp_path / "logs", "--isolate", "--batch-size", "1,2", path=tmp_path)
    assert done.code == 0, done.stderr
    section = read(tmp_path / "logs" / "summary.json").bench
    assert section is not None
    assert [row.status for row in section.rows] == ["measured", "failed"]
    assert section.rows[1].reason == Fact("process-killed", {"signal": "SIGKILL"})


def test_an_interrupt_ends_the_fresh_process_and_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [CONSOLE_SCRIPT, "bench", "builtin:digits-vit", "--device", "cpu", "--logs", tmp_path / "logs"]
    options = ["--isolate", "--iters", "1000000", "--threads", "1"]
    with running([*command, *options], {"TMPDIR": str(scratch)}) as process:
        while not list(scratch.glob("npu-adapt-bench-*/history/*")):
            assert process.poll() is None
            time.sleep(0.1)
        (child,) = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert not child.is_running()
    assert list(scratch.glob("npu-adapt-bench-*")) == []
