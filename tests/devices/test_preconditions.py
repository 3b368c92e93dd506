"""What this process may take, and what torch takes before it raises anything."""

from __future__ import annotations

import json
import resource
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.devices import preconditions
from npu_adapt.errors import DeviceUnavailable

MEBIBYTE = 1 << 20
UNLIMITED = {"RLIMIT_AS": -1, "RLIMIT_DATA": -1, "RLIMIT_STACK": 8 * MEBIBYTE}


def limit(monkeypatch: pytest.MonkeyPatch, **bytes_of: int) -> None:
    """Lets this process seem to be bound by these limits and no other."""
    values = {getattr(resource, name): size for name, size in (UNLIMITED | bytes_of).items()}
    monkeypatch.setattr(resource, "getrlimit", lambda number: (values[number], resource.RLIM_INFINITY))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)


@pytest.mark.parametrize(
    ("limits", "message", "hint"),
    [
        (
            {"RLIMIT_AS": 500 * MEBIBYTE},
            "ulimit -v allows this process 500.0 MiB, and torch takes 1.000 GiB",
            "1048576",
        ),
        (
            {"RLIMIT_DATA": 100 * MEBIBYTE},
            "ulimit -d allows this process 100.0 MiB, and torch takes 512.0 MiB",
            "524288",
        ),
        ({"RLIMIT_STACK": 64 << 10}, "ulimit -s allows this process 64.00 KiB, and torch takes 256.0 KiB", "256"),
    ],
)
@pytest.mark.parametrize("command", ["infer", "bench", "compare"])
def test_a_limit_that_ends_torch_without_a_word_is_named_before_it_is_loaded(
    command: str, limits: dict[str, int], message: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, **limits)
    done = CliRunner().invoke(app, [command, "--device", "cpu", "--json"])
    said = json.loads(done.stdout)["error"]
    assert (done.exit_code, said["class"]) == (4, "no-device")
    assert said["message"].startswith(message)
    assert f"{hint};" in said["hint"]


def test_each_thread_takes_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, RLIMIT_AS=1100 * MEBIBYTE)
    preconditions.require_fit_process()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with pytest.raises(DeviceUnavailable, match=r"torch takes 1\.094 GiB"):
        preconditions.require_fit_process()
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    preconditions.require_fit_process()


@pytest.mark.parametrize("said", ["", "x", "-1", "0", "²", "9" * 30])
def test_odd_numbers_of_threads_are_those_of_the_machine(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    preconditions.require_fit_process()


def test_a_python_without_docstrings_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers reads its own, and says that the model's files do not fit."""
    monkeypatch.setattr(sys, "flags", SimpleNamespace(optimize=2))
    with pytest.raises(DeviceUnavailable, match="drops docstrings") as caught:
        preconditions.require_fit_process()
    assert "PYTHONOPTIMIZE" in caught.value.hint
