"""Forwards of all samples, timed with the device synchronised, their outputs back on the CPU."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from npu_adapt.devices.device import Device
from npu_adapt.errors import RunFailed
from npu_adapt.models.tasks import Sample, Task
from npu_adapt.models.tasks.results import with_infinities
from npu_adapt.numerics.repeats import Divergence, Repeated
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Fact
from npu_adapt.workflows.run.behaviour import RANDOM_SPREAD, keeps_state, repeat_difference, shared_with_inputs
from npu_adapt.workflows.run.foreign import foreign_forward
from npu_adapt.workflows.run.naming import FailingOperator

Outputs = dict[str, torch.Tensor]

UNMEASURED_MS = 0.025  # of each operator that is watched, at the most: 15 to 25 microseconds were seen
UNMEASURED_SHARE = 0.05  # of a forward, which from one to the next differs by more


@dataclass(frozen=True)
class Forwards:
    """Outputs of each sample (on the CPU) and wall times in milliseconds."""

    outputs: tuple[Outputs, ...]
    first_ms: float
    warm_ms: tuple[float, ...]  # of the first sample, run again; empty where it ran once
    repeated: int = 1  # how often each sample ran at least whose bits were compared
    differing: float = 0.0  # share of elements that a further forward gave other bits, of the worst output
    spread: float = 0.0  # the largest relative L2 between a sample's first forward and a further one
    divergences: tuple[tuple[int, Divergence], ...] = ()  # (sample, the first call that gave other bits), if watched
    notes: tuple[Fact, ...] = ()  # what the first sample's forward did beside computing
    stateful: bool = False  # whether the forwards differ because each leaves something for the next
    draws: bool = False  # whether the first forward drew from the CPU's generator of random numbers

    @property
    def warm_median_ms(self) -> float | None:
        """None: no warm forward was run."""
        return statistics.median(self.warm_ms) if self.warm_ms else None


class Watch(Protocol):
    """Sees the operators of a forward."""

    def watching(self, module: torch.nn.Module) -> AbstractContextManager[object]:
        """Surrounds one forward of `module`."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a model on a device, in a type."""

    module: torch.nn.Module
    device: Device
    dtype: torch.dtype
    task: Task
    context: Callable[[], AbstractContextManager[object]] = nullcontext  # around each forward: an emulation

    def forward(self, tensors: Mapping[str, torch.Tensor], watch: Watch | None = None) -> tuple[Outputs, float]:
        """Outputs on the device, and the wall time in milliseconds. `tensors` are on the device already."""
        self.device.synchronize()
        started = time.perf_counter()
        outputs = self.call(tensors, watch)
        self.device.synchronize()
        return outputs, 1e3 * (time.perf_counter() - started)

    def call(self, tensors: Mapping[str, torch.Tensor], watch: Watch | None = None) -> Outputs:
        """Outputs on the device, which may still be at work on them.

        Raises `RunFailed`, with the module, for whatever the model's own code raises. What fails on a device without
        saying where is run again, to learn the operator.
        """
        watching = watch.watching(self.module) if watch else nullcontext()
        try:
            with torch.inference_mode(), self.context(), watching, foreign_forward(self.module, self.device):
                return self.task.forward(self.module, tensors)
        except RunFailed as error:
            if error.kind == "other" and error.operator is None and self.device.torch_device.type != "cpu":
                self._fail_again(tensors)
            raise

    def _fail_again(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Raises the `RunFailed` of the same forward with the operator's name; nothing where it does not fail again."""
        operators = FailingOperator()  # type: ignore[no-untyped-call]
        with torch.inference_mode(), self.context(), foreign_forward(self.module, self.device, operators), operators:
            self.task.forward(self.module, tensors)

    def tensors(self, sample: Sample) -> Mapping[str, torch.Tensor]:
        """Copies of the sample's tensors on this side's device, the floating ones in its type: for one forward."""
        return sample.to(self.device.torch_device, self.dtype)


def run_forwards(
    side: Side, samples: tuple[Sample, ...], progress: Progress, *, warm: int, watched: int = 0
) -> Forwards:
    """Every sample once, and the first one `warm` times more.

    With `watched`, every sample runs that often instead of once, and each operator's bits are compared with those of
    its first forward; `first_ms` is then without the watching, but with a synchronisation after every operator. Where
    the last of them tells how long a warm one takes, no other is run for that. What a further forward gives is compared
    with the first one's bits and dropped.
    """
    outputs: list[Outputs] = []
    warm_ms: list[float] = []
    repeats: list[tuple[float, float]] = []
    divergences: list[tuple[int, Divergence]] = []
    notes: tuple[Fact, ...] = ()
    first_ms = 0.0
    undrawn, draws = torch.get_rng_state(), False
    each = max(1, watched)
    with progress.task(doing("forward", device=side.device.name), total=each * len(samples) + warm) as step:
        for number, sample in enumerate(samples):
            watch = Repeated(side.device.synchronize) if watched else None
            for forward in range(each + (0 if number else warm)):
                is_warm = forward >= each
                if is_warm and watch is not None and warm_ms:
                    break
                tensors = side.tensors(sample)  # anew for each forward: it may write into them
                result, elapsed = side.forward(tensors, None if is_warm else watch)
                if forward:
                    repeats += [repeat_difference(result.get(name), first) for name, first in outputs[-1].items()]
                else:
                    outputs.append({name: tensor.to("cpu", copy=True) for name, tensor in result.items()})
                    notes = notes or tuple(shared_with_inputs(result, tensors))
                    draws = draws or not torch.equal(undrawn, torch.get_rng_state())
                del result  # else it is there beside the next one
                if is_warm:
                    warm_ms.append(elapsed)
                elif number == 0:
                    unwatched_ms = elapsed - (0.0 if watch is None else 1e3 * watch.cost.seconds)
                    first_ms = first_ms or unwatched_ms
                    if warm and forward == each - 1 and watch is not None and _tells_time(side, watch, unwatched_ms):
                        warm_ms.append(unwatched_ms)
                step.advance(1)
            if watch is not None and watch.first_divergence is not None:
                divergences.append((number, watch.first_divergence))
    differing, spread = (max(column) for column in zip((0.0, 0.0), *repeats, strict=True))
    return Forwards(
        outputs=tuple(map(with_infinities, outputs)),
        first_ms=first_ms,
        warm_ms=tuple(warm_ms),
        repeated=watched or 1 + warm,
        differing=differing,
        spread=spread,
        divergences=tuple(divergences),
        notes=notes,
        stateful=not watched
        and spread > RANDOM_SPREAD
        and keeps_state(side, samples[0]),  # else the device is at fault
        draws=draws,
    )


def _tells_time(side: Side, watch: Repeated, unwatched_ms: float) -> bool:
    """Whether a watched forward takes as long as another one, but for what was measured of the watching.

    Not where the device works while Python goes on, and not where what Python does around operators counts.
    """
    unmeasured_ms = watch.cost.calls * UNMEASURED_MS
    return side.device.torch_device.type == "cpu" and unmeasured_ms < UNMEASURED_SHARE * unwatched_ms


def run_again(side: Side, samples: tuple[Sample, ...], forwards: Forwards, progress: Progress) -> Forwards:
    """`forwards`, which ran every sample once, with a further one of the first sample beside it."""
    with progress.task(doing("forward", device=side.device.name), total=1):
        result, elapsed = side.forward(side.tensors(samples[0]))
        pairs = [repeat_difference(result.get(name), first) for name, first in forwards.outputs[0].items()]
    differing, spread = (max(column) for column in zip((0.0, 0.0), *pairs, strict=True))
    return replace(
        forwards,
        warm_ms=(*forwards.warm_ms, elapsed),
        repeated=forwards.repeated + 1,
        differing=differing,
        spread=spread,
        stateful=spread > RANDOM_SPREAD and keeps_state(side, samples[0]),
    )
