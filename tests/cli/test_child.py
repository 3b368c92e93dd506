"""A call that comes on stdin ends as the same command on the command line would."""

from __future__ import annotations

import io
import json

import pytest
import typer

from npu_adapt.cli.child import carry_out
from npu_adapt.cli.options import Output
from npu_adapt.errors import RunFailed
from npu_adapt.workflows.processes.call import Call, read_call
from npu_adapt.workflows.run.request import RunRequest


@pytest.fixture
def carried_out(monkeypatch: pytest.MonkeyPatch):
    """The exit code of a call of `infer`, which is that function."""

    def run(function, output: Output) -> int:
        call = Call("infer", {"request": RunRequest("infer", "npu-adapt infer"), "output": output})
        monkeypatch.setattr("npu_adapt.cli.infer.infer", function)
        return carry_out(read_call(io.BytesIO(call.encode())))

    return run


def test_it_is_called_with_requests_and_not_with_words(carried_out) -> None:
    called = []

    def infer(request: RunRequest, output: Output) -> None:
        called.append((request, output))

    assert carried_out(infer, Output(timeout=5.0)) == 0
    assert called == [(RunRequest("infer", "npu-adapt infer"), Output(timeout=5.0))]


@pytest.mark.parametrize("as_json", [False, True])
def test_an_error_is_its_exit_code_and_its_message(carried_out, capsys: pytest.CaptureFixture[str], as_json) -> None:
    def infer(request: RunRequest, output: Output) -> None:
        raise RunFailed("no memory", hint="less of it", stage="forward", kind="out-of-memory")

    assert carried_out(infer, Output(json=as_json)) == 6
    printed = capsys.readouterr()
    if as_json:
        error = json.loads(printed.out)["error"]
        assert (error["exit_code"], error["class"], error["hint"]) == (6, "out-of-memory", "less of it")
    else:
        assert printed.out == "" and "no memory" in printed.err and "less of it" in printed.err


def test_a_failed_verdict_and_an_interrupt_keep_their_codes(carried_out) -> None:
    def failing(request: RunRequest, output: Output) -> None:
        raise typer.Exit(3)

    def interrupted(request: RunRequest, output: Output) -> None:
        raise KeyboardInterrupt

    assert carried_out(failing, Output()) == 3
    assert carried_out(interrupted, Output()) == 130


def test_a_bug_keeps_its_traceback(carried_out) -> None:
    def infer(request: RunRequest, output: Output) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        carried_out(infer, Output())
