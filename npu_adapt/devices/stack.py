"""What a backend's running software says of itself, once its extension is imported."""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from npu_adapt.devices.backends import Backend

Versions = dict[str, str | None]  # "stack" and "driver"; None: it does not say

# What the kernel's module says: "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Fri …".
NVIDIA_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_NVIDIA_DRIVER = re.compile(r"NVRM version:.*?\b(\d{3}\.\d+(?:\.\d+)?)\b")


def stack_versions(backend: Backend) -> Versions:
    """{"stack": …, "driver": …} as the software that is loaded says; None where it does not, or is not loaded."""
    return _READERS.get(backend.kind, _unknown)()


def _unknown() -> Versions:
    return {"stack": None, "driver": None}


def _ascend() -> Versions:
    """Some versions of torch_npu lack the function, and CANN answers "" where it cannot find its own files."""
    versions = _unknown()
    if "torch_npu" not in sys.modules:
        return versions
    for name, argument in {"stack": "CANN", "driver": "DRIVER"}.items():
        try:
            told = operator.attrgetter("npu.utils.get_cann_version")(sys.modules["torch_npu"])(argument)
        except (AttributeError, RuntimeError):
            continue
        versions[name] = told or None
    return versions


def _nvidia() -> Versions:
    """The driver's version from the kernel, else from NVML where the driver hides its file, as in some containers."""
    torch = sys.modules.get("torch")
    stack = None if torch is None else torch.version.cuda
    if stack is None:
        return _unknown()
    try:
        match = _NVIDIA_DRIVER.search(NVIDIA_DRIVER_FILE.read_text(encoding="utf-8"))
    except OSError:
        match = None
    return {"stack": stack, "driver": match[1] if match else _nvml_driver()}


def _nvml_driver() -> str | None:
    try:
        import pynvml

        pynvml.nvmlInit()
        told = pynvml.nvmlSystemGetDriverVersion()
    except Exception:  # noqa: BLE001 - the library's own classes; without the library nobody tells
        return None
    return told.decode() if isinstance(told, bytes) else str(told)


_READERS: Mapping[str, Callable[[], Versions]] = {"npu": _ascend, "cuda": _nvidia}
