from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from npu_adapt.devices.modes import captured, compiled, compiler_failures, compiler_line
from npu_adapt.devices.selection import open_device
from npu_adapt.errors import RunFailed

NO_COMPILER = """
import torch
from npu_adapt.devices.modes import compiled, compiler_failures
from npu_adapt.devices.selection import open_device
from npu_adapt.errors import RunFailed
device = open_device("cpu", allow_cpu=True).device
module = compiled(torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.GELU()), device)
try:
    with compiler_failures(device), torch.inference_mode():
        module(torch.ones(2, 4))
except RunFailed as error:
    print(error.kind, "|", error.message, "|", error.hint)
"""


def test_without_a_compiler_it_says_which_one_to_install(tmp_path: object) -> None:
    environment = {"PATH": "/nowhere", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path), "TORCH_DEVICE_BACKEND_AUTOLOAD": "0"}
    done = subprocess.run(
        [sys.executable, "-c", NO_COMPILER], capture_output=True, text=True, env=environment, check=True, timeout=300
    )
    kind, message, hint = done.stdout.split(" | ")
    assert kind == "mode-not-supported"
    assert "No working C++ compiler found" in message
    assert "apt install g++" in hint


def test_of_a_compilers_output_its_first_error_is_the_line() -> None:
    text = (
        "CppCompileError: C++ compile error\n\nCommand:\ng++ x.cpp\n\nOutput:\nx.cpp:3:10: fatal error: omp.h: No such"
    )
    assert compiler_line(text) == "x.cpp:3:10: fatal error: omp.h: No such"
    assert compiler_line("InvalidCxxCompiler: none\nmore") == "InvalidCxxCompiler: none"
    assert compiler_line("") == "it says nothing"


def test_a_compiler_that_torch_does_not_know_is_a_failed_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    device = open_device("cpu", allow_cpu=True).device
    object.__setattr__(device, "backend", device.backend.__class__(kind="cpu", label="CPU", compiler="nonesuch"))
    with pytest.raises(RunFailed, match="nonesuch") as caught, compiler_failures(device):
        compiled(torch.nn.Linear(1, 1), device)
    assert caught.value.kind == "mode-not-supported"


def test_a_device_without_graphs_says_so() -> None:
    device = open_device("cpu", allow_cpu=True).device
    with pytest.raises(RunFailed, match="captures no graphs"):
        captured(lambda: None, device)
