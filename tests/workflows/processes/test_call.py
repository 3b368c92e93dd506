"""A command and its parameters, through a pipe and back."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from npu_adapt.cli.bench import bench
from npu_adapt.cli.options import Output
from npu_adapt.workflows.bench.options import BenchOptions, FreshProcesses
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.processes.call import Call, parameters_of, read_call
from npu_adapt.workflows.run.request import RunRequest


def through_a_pipe(call: Call) -> Call:
    return read_call(io.BytesIO(call.encode()))


def test_every_parameter_comes_back_as_it_was() -> None:
    sent = {
        "request": RunRequest(
            "bench",
            "npu-adapt bench 'a model'",
            model="org/name",
            inputs=("two words", "--looks-like-an-option", "小猫"),
            weights_roots=(Path("/a"), Path("/b c")),
            logs=Path("logs"),
            seed=2**63 - 1,
            hf32=False,
        ),
        "measured": BenchOptions(precision=0.005, batch_sizes=(1, 4), threads=(1,), modes=("eager", "graph")),
        "output": Output(timeout=12.5, json=True),
        "fresh": FreshProcesses(processes=5, baseline=Path("before.json")),
        "plot": Path("plot.png"),
    }
    call = through_a_pipe(Call("bench", sent))
    assert call.command == "bench"
    assert parameters_of(bench, call.parameters) == sent


def test_what_is_not_said_is_the_default() -> None:
    def command(judged: CompareOptions, plot: Path | None = None) -> None: ...

    assert parameters_of(command, {"judged": {"fast": True}, "plot": None}) == {
        "judged": CompareOptions(fast=True),
        "plot": None,
    }


def test_values_out_of_bounds_do_not_pass() -> None:
    call = through_a_pipe(Call("bench", {"measured": BenchOptions(threads=(10**9,))}))
    with pytest.raises(msgspec.ValidationError, match="<= 1024"):
        parameters_of(bench, call.parameters)


def test_what_no_process_could_read_is_not_sent() -> None:
    with pytest.raises(NotImplementedError, match="object is handed to no process"):
        Call("bench", {"request": object()}).encode()
