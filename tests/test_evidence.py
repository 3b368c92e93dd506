"""The logs folder: one event a line, atomic files, sections that belong together and only those."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from npu_adapt.errors import EvidenceNotWritten, ExitCode, SummaryUnreadable, UsageError
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


def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / ".other.12345678.npu-adapt"
    left = tmp_path / ".file.12345678.npu-adapt"
    for file in (left, other, tmp_path / ".file.original"):
        file.write_bytes(b"half")
    write_atomically(path, b"new")
    assert sorted(tmp_path.iterdir()) == sorted([path, other, tmp_path / ".file.original"])


def test_what_another_writer_is_still_writing_stays(tmp_path: Path) -> None:
    path, theirs = tmp_path / "file", tmp_path / ".file.12345678.npu-adapt"
    with theirs.open("wb") as file:
        flock(file, LOCK_EX)
        write_atomically(path, b"ours")
        assert theirs.exists()
    write_atomically(path, b"ours")
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


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """While it lasts no file may grow beyond `size` bytes, as under a quota."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 40, 120, 500])
def test_a_disk_without_room_ends_a_run_with_its_figures_and_the_evidence_of_before(logs: Logs, size: int) -> None:
    publish(logs, new_summary("npu-adapt infer", run=run_record()))
    before = {path: path.read_bytes() for path in logs.folder.rglob("*") if path.is_file()}
    figures = new_summary("npu-adapt bench", run=run_record(), bench=bench_record())
    with files_of_at_most(size), pytest.raises(EvidenceNotWritten, match="File too large") as caught:
        publish(logs, figures, "bench")
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.summary.bench == bench_record()
    assert {path: path.read_bytes() for path in logs.folder.rglob("*") if path.is_file()} == before


def test_a_full_disk_is_told_after_the_figures(tmp_path: Path) -> None:
    from npu_adapt.cli.app import app

    arguments = ["infer", "builtin:digits-vit", "--device", "cpu", "--logs", str(tmp_path / "logs"), "--quiet"]
    with files_of_at_most(300):
        done = CliRunner().invoke(app, [*arguments, "--cache-dir", str(tmp_path / "cache")])
    assert done.exit_code == ExitCode.USAGE, done.output
    assert "zero" in done.output and "the evidence cannot be written" in done.output
    assert not list((tmp_path / "logs").glob("*.json"))


@pytest.mark.parametrize("name", ["summary.json", "run_npu.log", "accuracy_compare.log", ".lock"])
def test_a_folder_where_a_file_is_to_be_is_a_usage_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        Logs(tmp_path).require_writable()


def test_no_file_is_emptied_through_a_link(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("precious", encoding="utf-8")
    logs = Logs(tmp_path / "logs")
    logs.require_writable()
    (logs.folder / ".lock").symlink_to(other)
    with pytest.raises(UsageError, match="is a link"):
        logs.require_writable()
    (logs.folder / ".lock").unlink()
    for name in ("summary.json", "run_npu.log"):
        (logs.folder / name).symlink_to(other)
    publish(logs, new_summary("npu-adapt infer", run=run_record()))
    assert other.read_text(encoding="utf-8") == "precious"
    assert logs.read().run is not None


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir], ids=["pipe", "folder"])
def test_a_summary_that_is_no_file_is_refused_without_waiting(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "summary.json")
    with pytest.raises(SummaryUnreadable, match="not a regular file"):
        read_summary(tmp_path / "summary.json")


def test_every_log_file_says_what_the_run_is_about(logs: Logs) -> None:
    with logs.start("compare", "org/name") as journal:
        journal.event("run", "start")
        journal.about(model="org/name", device="rehearsed:hf32", rehearsed="hf32")
        for log in ("run", "pretrained", "accuracy"):
            journal.event(log, "something")
    for path in journal.folder.glob("*.log"):
        about = [parse_log_line(line)[3] for line in path.read_text("utf-8").splitlines() if " about " in line]
        assert about == [{"model": "org/name", "device": "rehearsed:hf32", "rehearsed": "hf32"}], path


def test_what_leaves_the_summary_is_told_with_its_place(logs: Logs) -> None:
    old = publish(logs, new_summary("npu-adapt bench", run=run_record(), bench=bench_record()))
    said: list[str] = []
    with logs.start("infer", "org/name") as journal:
        journal.publish(new_summary("npu-adapt infer", run=run_record(threads=2)), said.append)
    assert old.history is not None
    assert said == [
        f"the figures of bench are of another threads (1, now 2); they are now in "
        f"{logs.folder / 'history' / old.history.folder}"
    ]


def test_a_log_of_an_earlier_run_stands_beside_no_later_summary(logs: Logs) -> None:
    with logs.start("compare", "org/name") as journal:
        journal.event("run", "start")
        journal.event("pretrained", "proven")
        journal.event("accuracy", "verdict")
        journal.publish(new_summary("npu-adapt compare", run=run_record()))
    publish(logs, new_summary("npu-adapt infer", run=run_record("npu:0")))
    assert {path.name for path in logs.folder.glob("*.log")} == {"run_npu.log"}


def test_a_name_that_is_not_utf_8_is_logged_and_recorded_as_escapes(logs: Logs) -> None:
    name = os.fsdecode("中文".encode("gbk"))
    with logs.start("infer", name) as journal:
        journal.event("run", "start", path=name, several=(name,))
        journal.publish(new_summary(f"npu-adapt infer {name}", run=run_record()))
    fields = parse_log_line((logs.folder / "run_npu.log").read_text("utf-8"))[3]
    assert fields["path"] == "\\udcd6\\udcd0\\udcce\\udcc4"
    assert logs.read().command.endswith(fields["path"])


def test_the_traceback_of_an_error_is_in_the_log(logs: Logs) -> None:
    with pytest.raises(KeyError), logs.start("infer", "org/name") as journal:
        raise KeyError("x")
    lines = [parse_log_line(line) for line in (journal.folder / "run_npu.log").read_text("utf-8").splitlines()]
    assert [event for _, _, event, _ in lines] == ["traceback", "ended"]
    assert json.loads(lines[0][3]["lines"])[-1] == "KeyError: 'x'"


def test_a_lock_that_another_process_keeps_is_not_waited_for_without_end(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures are not lost: the error carries them."""
    monkeypatch.setattr("npu_adapt.evidence.logs.LOCK_SECONDS", 0.1)
    summary = new_summary("npu-adapt infer", run=run_record())
    logs.folder.mkdir(exist_ok=True)
    with (logs.folder / ".lock").open("w") as held:
        flock(held, LOCK_EX)
        with pytest.raises(EvidenceNotWritten, match=r"another process has held its lock for 0\.1 s") as raised:
            publish(logs, summary)
    assert raised.value.summary == summary
