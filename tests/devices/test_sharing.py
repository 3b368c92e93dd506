"""What a device tells of others on it, with a module of torch that answers as a backend's does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from npu_adapt.devices.backends import CPU, NPU
from npu_adapt.devices.device import Device


def device(**functions: Any) -> Device:
    return Device("npu:0", torch.device("cpu"), "Ascend910B4", NPU, SimpleNamespace(**functions))


def test_memory_of_others_is_what_is_neither_free_nor_ours() -> None:
    shared = device(mem_get_info=lambda _: (10, 100), memory_reserved=lambda _: 25)
    assert shared.memory_of_others() == 65
    assert device(mem_get_info=lambda _: (10, 100)).memory_of_others() is None


def test_utilization_is_a_share_and_none_where_nobody_tells() -> None:
    def refused(_: object) -> int:
        raise RuntimeError("not permitted")

    assert device(utilization=lambda _: 37).utilization() == pytest.approx(0.37)
    assert device(utilization=refused).utilization() is None
    assert device().utilization() is None
    assert Device("cpu", torch.device("cpu"), "CPU", CPU, SimpleNamespace()).utilization() is None


def test_an_error_class_of_the_management_library_itself_is_no_clock() -> None:
    class NVMLError(Exception):
        pass

    def not_supported(_: object) -> int:
        raise NVMLError("Not Supported")

    assert device(clock_rate=not_supported, utilization=not_supported).clock_megahertz() is None
    assert device(utilization=not_supported).utilization() is None


def test_a_missing_management_library_is_no_clock() -> None:
    def missing(_: object) -> int:
        raise ModuleNotFoundError("pynvml")

    assert device(clock_rate=missing).clock_megahertz() is None
    assert device(clock_rate=lambda _: 1500).clock_megahertz() == 1500.0
