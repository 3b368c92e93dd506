"""What a fresh process is given, and what is made of how it ends: a short script stands for the benchmark."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from npu_adapt.errors import ExitCode
from npu_adapt.records import Fact, encode
from npu_adapt.workflows.bench.options import BenchOptions
from npu_adapt.workflows.processes import call
from npu_adapt.workflows.processes.deadline import HANDOVER_VARIABLE
from npu_adapt.workflows.processes.fresh import ChildFailed, bench_in_process
from npu_adapt.workflows.run.request import RunRequest
from tests.report.summaries import SUCCESS

DEFAULTS = BenchOptions()
REQUEST = RunRequest("bench", "npu-adapt bench", model="org/name", inputs=("two words",), logs=Path("logs"))


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch):
    """Runs a benchmark whose process is that script; `got` in it is the call that came on its stdin."""

    def run(script: str, options: BenchOptions = DEFAULTS):
        preface = "import json, os, signal, sys; got = json.load(sys.stdin)\n"
        monkeypatch.setattr(call, "CHILD", (sys.executable, "-c", preface + script))
        return bench_in_process(REQUEST, options, ())

    return run


def test_the_process_gets_the_request_and_returns_its_record(fresh, tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_bytes(encode(SUCCESS))
    script = f"""
json.dump(got, open({str(tmp_path / "got.json")!r}, "w"))
print(open({str(tmp_path / "summary.json")!r}).read())
"""
    summary, logs = fresh(script, BenchOptions(batch_sizes=(4,), with_pace=True))
    got = json.loads((tmp_path / "got.json").read_text())
    assert summary == SUCCESS and logs.is_dir()
    assert got["command"] == "bench"
    parameters = got["parameters"]
    assert parameters["request"]["inputs"] == ["two words"] and parameters["request"]["logs"] == str(logs)
    assert (parameters["measured"]["batch_sizes"], parameters["measured"]["with_pace"]) == ([4], True)
    assert parameters["output"] == {"json": True, "quiet": True} and not parameters["fresh"]["isolate"]
    logs.rmdir()


def test_an_error_is_raised_as_the_process_said_it(fresh) -> None:
    error = {"exit_code": 6, "message": "no memory", "hint": "less", "stage": "measure", "class": "out-of-memory"}
    with pytest.raises(ChildFailed, match="no memory") as caught:
        fresh(f"print({json.dumps({'error': error})!r}); sys.exit(6)")
    assert caught.value.exit_code == ExitCode.RUN_FAILED and caught.value.hint == "less"
    values = {"stage": "measure", "class": "out-of-memory", "message": "no memory"}
    assert caught.value.reason == Fact("row-failed", values)


def test_an_error_before_the_run_has_no_stage(fresh) -> None:
    error = {"exit_code": 5, "message": "not on this disk", "hint": "fetch it"}
    with pytest.raises(ChildFailed) as caught:
        fresh(f"print({json.dumps({'error': error})!r}); sys.exit(5)")
    assert caught.value.exit_code == ExitCode.MODEL
    assert caught.value.reason == Fact("row-refused", {"message": "not on this disk"})


def test_a_killed_process_is_named_by_its_signal(fresh) -> None:
    with pytest.raises(ChildFailed, match="by SIGKILL") as caught:
        fresh("os.kill(os.getpid(), signal.SIGKILL)")
    assert caught.value.reason == Fact("process-killed", {"signal": "SIGKILL"})


def test_a_process_that_ends_otherwise_is_named_by_its_last_line(fresh) -> None:
    with pytest.raises(ChildFailed, match="with exit code 1: NameError") as caught:
        fresh("nonsense")
    assert caught.value.reason == Fact("process-ended", {"exit_code": 1})


def test_under_a_deadline_each_process_hands_its_own_run_over(fresh, tmp_path: Path, monkeypatch) -> None:
    link = tmp_path / "run"
    monkeypatch.setenv(HANDOVER_VARIABLE, str(link))
    for number in range(2):
        with pytest.raises(ChildFailed, match="done"):
            fresh(
                f"os.symlink({str(tmp_path / str(number))!r}, os.environ[{HANDOVER_VARIABLE!r}])\n"
                "print('done', file=sys.stderr); sys.exit(9)"
            )
        assert link.readlink() == tmp_path / str(number)
