"""The machine and its software as a record: what a run was made on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import psutil

from npu_adapt.devices.device import Device
from npu_adapt.devices.selection import cpu_name
from npu_adapt.records import DeviceInfo, Environment


def environment(device: Device | None) -> Environment:
    """What `device` ran on; None: the device did not open. Reads package metadata, imports nothing."""
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        torch=_version("torch"),
        torch_npu=_version("torch_npu"),
        transformers=_version("transformers"),
        cann=None,
        driver=None,
        firmware=None,
        devices=(_device_info(device),) if device is not None else (),
        cpu=cpu_name(),
        cpu_cores=os.cpu_count() or 0,
        memory_bytes=psutil.virtual_memory().total,
    )


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _device_info(device: Device) -> DeviceInfo:
    memory = device.free_and_total_memory()
    free, total = memory if memory is not None else (None, None)
    return DeviceInfo(
        index=device.torch_device.index or 0, name=device.display_name, memory_bytes=total, free_memory_bytes=free
    )
