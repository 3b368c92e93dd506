"""What loaded software says of itself."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from npu_adapt.devices import stack
from npu_adapt.devices.backends import CPU, CUDA, NPU
from npu_adapt.devices.doctor.events import Found, Versions
from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.machine import read_machine
from npu_adapt.devices.doctor.probing import Probe

FILE = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Fri Jun 12 2026\nGCC version:  gcc 13\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build\n"


@pytest.fixture
def cuda_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(version=SimpleNamespace(cuda="13.0")))


@pytest.mark.parametrize(("text", "driver"), [(FILE, "580.159.04"), (OPEN, "575.57.08")])
def test_the_nvidia_driver_is_read_from_the_kernels_file(
    cuda_build: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, driver: str
) -> None:
    file = tmp_path / "version"
    file.write_text(text)
    monkeypatch.setattr(stack, "NVIDIA_DRIVER_FILE", file)
    assert stack.stack_versions(CUDA) == {"stack": "13.0", "driver": driver}


def test_without_the_file_nvml_is_asked(cuda_build: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "NVIDIA_DRIVER_FILE", tmp_path / "none")
    nvml = ModuleType("pynvml")
    nvml.nvmlInit = lambda: None  # type: ignore[attr-defined]
    nvml.nvmlSystemGetDriverVersion = lambda: b"580.1"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert stack.stack_versions(CUDA)["driver"] == "580.1"
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert stack.stack_versions(CUDA)["driver"] is None


def test_what_is_not_loaded_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(version=SimpleNamespace(cuda=None)))
    monkeypatch.delitem(sys.modules, "torch_npu", raising=False)
    for backend in (CPU, CUDA, NPU):
        assert stack.stack_versions(backend) == {"stack": None, "driver": None}


def test_the_driver_is_that_of_a_device_that_is_there() -> None:
    told = Versions(kind="cuda", stack="13.0", driver="580.1")
    gpu = Found(kind="cuda", index=0, name="NVIDIA H100", usable=True)
    machine = read_machine()
    assert Examination(machine, probe=Probe((told, gpu))).driver == "580.1"
    assert Examination(machine, probe=Probe((told,))).driver is None
