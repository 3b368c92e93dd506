"""How much memory a row of a benchmark takes."""

from __future__ import annotations

from typing import Any

import torch

from npu_adapt.devices.device import Device
from npu_adapt.timing import memory


class MemoryCount:
    """Peak memory of a row: by the device's statistics, on a device without them by the kernel's for this process."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._resets = True
        self._weights = self._before = 0

    def weights_are_there(self, module: torch.nn.Module) -> None:
        """Starts the count: weights and inputs are on the device, nothing was run."""
        held = (*module.parameters(), *module.buffers())
        self._weights = sum({id(tensor): tensor.numel() * tensor.element_size() for tensor in held}.values())
        self._device.reset_peak_memory()
        before = self._device.allocated_bytes()
        if before is None:
            self._resets = memory.reset_peak()
            before = memory.resident_bytes()
        self._before = before

    def figures(self) -> dict[str, Any]:
        """The row's fields, of what was run since."""
        peak = self._device.peak_memory_bytes()
        counted = peak is not None or self._resets
        peak = memory.peak_bytes() if peak is None else peak
        return {
            "weights_bytes": self._weights,
            "peak_memory_bytes": peak,
            "activations_bytes": max(0, peak - self._before) if counted else None,
        }


def memory_source(device: Device) -> str:
    """What `peak_memory_bytes` counts on this device: an id, as `Bench.memory_source` lists them."""
    if device.peak_memory_bytes() is not None:
        return "device-statistics"
    if memory.reset_peak():
        return "resident-in-first-forward"
    return "resident-since-start"
