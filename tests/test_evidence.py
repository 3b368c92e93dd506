"""The logs folder: one event a line, atomic files, sections that belong together and only those."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from npu_adapt.errors import UsageError
from npu_adapt.evidence import Logs, new_summary, parse_log_line, read_summary, write_atomically
from npu_adapt.records import Bench, Fact, Latency, Run, Summary, encode

LATENCY = Latency(mean=1.0, median=1.0, p90=1.0, p99=None, std=0.0, min=1.0, max=1.0)
FAILED = Fact("failed-in-stage", {"stage": "measure", "class": "out-of-memory"})
CPU = Fact("no-memory-statistics", {"device": "cpu"})


def run_record(device: str = "cpu", **fields: object) -> Run:
    values = {"status": "SUCCESS", "dtype": "float32", "attention": "sdpa", "numerics": {}, "threads": 1, "seed": 0}
    return Run(device=device, **{**values, **fields})


def bench_record(device: str = "cpu") -> Bench:
    return Bench(
        device=device,
        dtype="float32",
        batch_size=1,
        warmup=1,
        iterations=1,
        latency_ms=LATENCY,
        samples_ms=(1.0,),
        throughput_per_s=1e3,
        peak_memory_bytes=None,
    )


def publish(logs: Logs, summary: Summary, command: str = "infer") -> Summary:
    with logs.start(command, "org/name") as journal:
        journal.event("run", "start", command=summary.command)
        return journal.publish(summary)


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    logs = Logs(tmp_path / "logs")
    logs.require_writable()
    return logs


@pytest.mark.parametrize("value", ["plain", "two words", 'a "quote"', "a=b", "back\\slash", "", "中文"])
def test_log_lines_read_back_what_was_logged(logs: Logs, value: str) -> None:
    with logs.start("infer", "org/name") as journal:
        journal.event(
            "run",
            "start",
            "warning",
            value=value,
            flag=True,
            nothing=None,
            several=("a, b", 'c "d" \\', 1),
            table={"k": ("x=y",)},
        )
    lines = (journal.folder / "run_npu.log").read_text("utf-8").splitlines()
    assert len(lines) == 1
    time, level, event, fields = parse_log_line(lines[0])
    assert (level, event) == ("WARNING", "start")
    assert time.endswith("Z")
    several = fields.pop("several")
    assert json.loads(several) == ["a, b", 'c "d" \\', 1]
    assert json.loads(fields.pop("table")) == {"k": ["x=y"]}
    assert fields == {"value": value, "flag": "true"}


def test_an_event_is_one_line_whatever_its_message_holds(logs: Logs) -> None:
    with logs.start("infer", "org/name") as journal:
        journal.event("run", "failed", "error", message="first\nsecond\r\nthird")
    (line,) = (journal.folder / "run_npu.log").read_text("utf-8").splitlines()
    assert parse_log_line(line)[3] == {"message": "first second third"}


def test_sections_of_one_key_stay_together(logs: Logs) -> None:
    publish(
        logs,
        new_summary("npu-adapt bench", commands={"bench": "npu-adapt bench"}, run=run_record(), bench=bench_record()),
    )
    publish(logs, new_summary("npu-adapt infer", commands={"infer": "npu-adapt infer"}, run=run_record(seed=1)))
    summary = logs.read()
    assert summary.bench == bench_record()
    assert summary.run == run_record(seed=1)
    assert summary.commands == {"bench": "npu-adapt bench", "infer": "npu-adapt infer"}


@pytest.mark.parametrize(
    "other",
    [
        run_record("npu:0"),
        run_record("rehearsed:hf32"),
        run_record(dtype="float16"),
        run_record(attention="eager"),
        run_record(numerics={"matmul_hf32": True}),
        run_record(threads=2),
    ],
    ids=["device", "rehearsal", "dtype", "attention", "numerics", "threads"],
)
def test_another_key_starts_a_new_summary_and_keeps_the_old_one_in_history(logs: Logs, other: Run) -> None:
    old = publish(logs, new_summary("npu-adapt bench", run=run_record(), bench=bench_record()))
    publish(logs, new_summary("npu-adapt infer", run=other))
    assert logs.read().bench is None
    assert old in [read_summary(path) for path in logs.folder.glob("history/*/summary.json")]


def test_a_failed_command_nulls_its_own_section_and_says_why(logs: Logs) -> None:
    publish(logs, new_summary("npu-adapt bench", run=run_record(), bench=bench_record()))
    publish(logs, new_summary("npu-adapt bench", run=run_record(status="FAILED"), reasons={"bench": FAILED}))
    summary = logs.read()
    assert summary.bench is None
    assert summary.reasons == {"bench": FAILED}


def test_reasons_go_with_the_section_they_explain(logs: Logs) -> None:
    first = new_summary(
        "npu-adapt bench", run=run_record(), bench=bench_record(), reasons={"bench.peak_memory_bytes": CPU}
    )
    publish(logs, first)
    publish(logs, new_summary("npu-adapt infer", run=run_record(), reasons={"run.cpu_fallbacks": CPU}))
    assert logs.read().reasons == {"bench.peak_memory_bytes": CPU, "run.cpu_fallbacks": CPU}


@pytest.mark.parametrize("text", ['{"torn', "[1]", '{"schema_version": 99, "tool": {"name": "npu-adapt"}}'])
def test_an_unreadable_summary_is_archived_not_lost(logs: Logs, text: str) -> None:
    logs.summary_path.write_text(text)
    summary = publish(logs, new_summary("npu-adapt infer", run=run_record()))
    assert logs.read() == summary
    assert [path.read_text() for path in logs.folder.glob("history/*/unreadable-summary.json")] == [text]


def test_a_failure_before_the_run_leaves_the_published_evidence_alone(logs: Logs) -> None:
    publish(logs, new_summary("npu-adapt infer", run=run_record()))
    before = {path: path.read_bytes() for path in logs.folder.iterdir() if path.is_file()}
    with logs.start("infer", "no/such") as journal:
        journal.event("pretrained", "attempt", place="hub", outcome="not found")
        journal.publish_failure()
    assert {path: path.read_bytes() for path in before} == before
    assert (journal.folder / "pretrained_attempt.log").exists()


def test_an_atomic_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_logs_folder_that_is_a_file_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("")
    with pytest.raises(UsageError, match="cannot be written") as caught:
        Logs(tmp_path / "logs").require_writable()
    assert "--logs" in caught.value.hint


WRITER = """
import sys
from pathlib import Path
from npu_adapt.evidence import Logs, new_summary
logs = Logs(Path(sys.argv[1]))
for number in range(10):
    with logs.start("infer", "org/name") as journal:
        journal.event("run", "start", writer=sys.argv[2], number=number)
        journal.publish(new_summary(f"{sys.argv[2]} {number} " + "x" * 100_000))
"""


def test_processes_that_share_a_folder_never_show_a_torn_file(logs: Logs) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(logs.folder), name]) for name in "ab"]
    seen = 0
    while any(writer.poll() is None for writer in writers):
        if logs.summary_path.exists():
            assert len(logs.read().command) > 100_000
            seen += 1
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen > 0
    histories = [msgspec.json.decode(path.read_bytes()) for path in logs.folder.glob("history/*/summary.json")]
    assert len(histories) == 20


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        (None, False),
        (new_summary("npu-adapt env"), False),
        (new_summary("npu-adapt infer", run=run_record()), True),
    ],
    ids=["nothing", "an environment", "a run"],
)
def test_an_environment_is_written_where_no_run_is_lost(tmp_path: Path, before: Summary | None, kept: bool) -> None:
    logs = Logs(tmp_path)
    logs.require_writable()
    if before is not None:
        write_atomically(logs.summary_path, encode(before))
        (tmp_path / "run_npu.log").write_text("before\n", encoding="utf-8")
    environment = new_summary("npu-adapt env --check")
    with logs.start("env", "machine") as journal:
        journal.event("run", "start")
        journal.publish_environment(environment)
    assert replace(logs.read(), history=None) == (before if kept else environment)
    assert (tmp_path / "run_npu.log").read_text(encoding="utf-8").startswith("before") is kept
    assert replace(read_summary(journal.folder / "summary.json"), history=None) == environment


def test_an_environment_leaves_a_torn_summary_as_it_is(tmp_path: Path) -> None:
    logs = Logs(tmp_path)
    logs.require_writable()
    logs.summary_path.write_text('{"schema_version"', encoding="utf-8")
    with logs.start("env", "machine") as journal:
        journal.publish_environment(new_summary("npu-adapt env"))
    assert logs.summary_path.read_text(encoding="utf-8") == '{"schema_version"'
