"""The forwards that a subject makes in one mode, each held to what eager mode and float64 say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from npu_adapt.devices import modes
from npu_adapt.models.tasks import Sample
from npu_adapt.records import ModeCheck
from npu_adapt.workflows.compare.modes.expected import CheckId, Expected, judged, on_cpu
from npu_adapt.workflows.run.foreign import foreign_forward
from npu_adapt.workflows.run.forward import Outputs, Side

Probe = tuple[CheckId, Expected]
InMode = Callable[[Sample], Outputs]  # results on the device, which the next call may overwrite


@dataclass(frozen=True)
class Ran:
    """What the forwards in a mode showed."""

    checks: tuple[ModeCheck, ...]
    graphs: int | None = None  # None: not compiled
    breaks: tuple[str, ...] = ()

    @property
    def failing(self) -> ModeCheck | None:
        """The first check that failed; None: none did."""
        return next((check for check in self.checks if not check.passed), None)


def run_checks(mode: str, side: Side, probes: Sequence[Probe]) -> Ran:
    """Every probe in the order given, in one compiled or captured forward; a graph is captured anew for other shapes.

    Raises `RunFailed` where the module does not compile, cannot be captured, or fails.
    """
    if mode == modes.COMPILE:
        return _compiled(side, probes)
    return _graph(side, probes)


def _compiled(side: Side, probes: Sequence[Probe]) -> Ran:
    with modes.counting_graphs() as count:
        module = modes.compiled(side.module, side.device)

        def forward(sample: Sample) -> Outputs:
            tensors = side.tensors(sample)
            with (
                torch.inference_mode(),
                side.context(),
                foreign_forward(side.module, side.device),
                modes.compiler_failures(side.device),
            ):
                return side.task.forward(module, tensors)

        checks = _checks(side, forward, probes)
    return Ran(checks, count.graphs, count.breaks)


def _graph(side: Side, probes: Sequence[Probe]) -> Ran:
    first = probes[0][1].sample
    graph = _Graph(side, first)
    checks = []
    for check, expected in probes:
        if _shapes(expected.sample.tensors) != _shapes(graph.sample.tensors):
            graph = _Graph(side, expected.sample)
        checks.append(judged(check, expected, on_cpu(graph(expected.sample)), side.dtype))
    return Ran(tuple(checks))


class _Graph:
    """A forward captured for the shapes of one sample: inputs are copied into the tensors that it was captured with."""

    def __init__(self, side: Side, sample: Sample) -> None:
        self.sample = sample
        self._side = side
        self._tensors = side.tensors(sample)

        def forward() -> Outputs:
            with torch.inference_mode(), side.context():
                return side.task.forward(side.module, self._tensors)

        side.call(self._tensors)  # what a first forward sets up must not be captured
        side.device.synchronize()
        self._replay = modes.captured(forward, side.device)

    def __call__(self, sample: Sample) -> Outputs:
        for name, tensor in self._side.tensors(sample).items():
            self._tensors[name].copy_(tensor)
        outputs: Outputs = self._replay()
        self._side.device.synchronize()
        return outputs


def _checks(side: Side, forward: InMode, probes: Sequence[Probe]) -> tuple[ModeCheck, ...]:
    """The first result is read once more after the second: a later call may not overwrite it."""
    found: list[ModeCheck] = []
    first: Outputs = {}
    for at, (check, expected) in enumerate(probes):
        outputs = forward(expected.sample)
        side.device.synchronize()
        found.append(judged(check, expected, on_cpu(outputs), side.dtype))
        if at == 0:
            first = outputs
        elif at == 1:
            found.append(judged("first-kept", probes[0][1], on_cpu(first), side.dtype))
            first = {}
    return tuple(found)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def up_to(failing: ModeCheck, probes: Sequence[Probe]) -> tuple[Probe, ...]:
    """The probes that show again what failed: those before it are what it may have kept."""
    ids = [check for check, _ in probes]
    return tuple(probes[: ids.index(failing.check) + 1]) if failing.check in ids else tuple(probes[:2])
