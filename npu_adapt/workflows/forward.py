"""Forwards of all samples, timed with the device synchronised, their outputs back on the CPU."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from npu_adapt.devices.device import Device
from npu_adapt.models.tasks import Sample, Task
from npu_adapt.progress import Progress

Outputs = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Forwards:
    """Outputs of each sample (on the CPU) and wall times in milliseconds."""

    outputs: tuple[Outputs, ...]
    first_ms: float
    warm_ms: tuple[float, ...]  # of the first sample, run again; empty where it ran once

    @property
    def warm_median_ms(self) -> float | None:
        """None: no warm forward was run."""
        return statistics.median(self.warm_ms) if self.warm_ms else None


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a model on a device, in a type."""

    module: torch.nn.Module
    device: Device
    dtype: torch.dtype
    task: Task
    context: Callable[[], AbstractContextManager[object]] = nullcontext  # around each forward: an emulation

    def forward(self, tensors: Mapping[str, torch.Tensor]) -> tuple[Outputs, float]:
        """Outputs on the device, and the wall time in milliseconds. `tensors` are on the device already."""
        self.device.synchronize()
        started = time.perf_counter()
        with torch.inference_mode(), self.context():
            outputs = self.task.forward(self.module, tensors)
        self.device.synchronize()
        return outputs, 1e3 * (time.perf_counter() - started)

    def tensors(self, sample: Sample) -> Mapping[str, torch.Tensor]:
        """The sample's tensors on this side's device, the floating ones in its type."""
        return sample.to(self.device.torch_device, self.dtype)


def run_forwards(side: Side, samples: tuple[Sample, ...], progress: Progress, *, warm: int) -> Forwards:
    """Every sample once, then the first one `warm` times more."""
    outputs: list[Outputs] = []
    first_ms = 0.0
    with progress.task(f"forward on {side.device.name}", total=len(samples) + warm) as step:
        for number, sample in enumerate(samples):
            result, elapsed = side.forward(side.tensors(sample))
            outputs.append({name: tensor.to("cpu", copy=True) for name, tensor in result.items()})
            first_ms = elapsed if number == 0 else first_ms
            step.advance(1)
        tensors = side.tensors(samples[0])
        warm_ms = []
        for _ in range(warm):
            warm_ms.append(side.forward(tensors)[1])
            step.advance(1)
    return Forwards(tuple(outputs), first_ms, tuple(warm_ms))
