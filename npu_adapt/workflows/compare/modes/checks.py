"""The forwards that a subject makes in one mode, each held to what eager mode and float64 say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

import torch
from torch import Tensor

from npu_adapt.devices import modes
from npu_adapt.errors import RunFailed, first_line
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.bit_hashes import BitHashes, hashes_there, parting
from npu_adapt.records import Fact, ModeCheck, ModeDivergence
from npu_adapt.workflows.compare.modes.expected import CheckId, Expected, judged, on_cpu
from npu_adapt.workflows.compare.modes.facts import left_out
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
    divergence: ModeDivergence | None = None  # None: replays of one input agree, or none were watched
    left_out: tuple[Fact, ...] = ()

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
    """By graphs whose operators are watched, each input twice; and other values once by a graph without the watching.

    Where a graph cannot be captured with it, all by graphs without.
    """
    if not hashes_there(side.device.torch_device, side.dtype):
        return _replayed(side, probes, left_out("replays-not-watched", message=str(side.dtype)))
    try:
        watched = _watched(side, probes)
    except RunFailed as error:
        return _replayed(side, probes, left_out("replays-not-watched", message=first_line(error)))
    _, other = next((probe for probe in probes if probe[0] == "other-values"), probes[0])
    graph = _Graph(side, probes[0][1].sample)
    plain = judged("unwatched", other, on_cpu(graph(other.sample)), side.dtype)
    return replace(watched, checks=(*watched.checks, plain))


def _replayed(side: Side, probes: Sequence[Probe], missing: Fact) -> Ran:
    checks: list[ModeCheck] = []
    for graph, same in _by_shape(side, probes, None):
        checks += [judged(check, each, on_cpu(graph(each.sample)), side.dtype) for check, each in same]
    return Ran(tuple(checks), left_out=(missing,))


def _watched(side: Side, probes: Sequence[Probe]) -> Ran:
    checks: list[ModeCheck] = []
    divergence: ModeDivergence | None = None
    hashes = BitHashes(on_device=True)
    for graph, same in _by_shape(side, probes, hashes):
        seen = _Seen(hashes)
        for check, each in same:
            checks.append(judged(check, each, on_cpu(graph(each.sample)), side.dtype))
            seen.add(check, each.sample)
        for sample in seen.once:
            graph(sample)
            seen.add("", sample)
        divergence = divergence or seen.divergence
    return Ran(tuple(checks), divergence=divergence)


def _by_shape(
    side: Side, probes: Sequence[Probe], hashes: BitHashes | None
) -> Iterator[tuple[_Graph, tuple[Probe, ...]]]:
    """A graph for each run of probes of the same shapes: it is captured anew for others."""
    for _, same in groupby(probes, key=lambda probe: _shapes(probe[1].sample.tensors)):
        kept = tuple(same)
        yield _Graph(side, kept[0][1].sample, hashes), kept


@dataclass
class _Seen:
    """The bits of each input's replays, operator by operator."""

    hashes: BitHashes
    divergence: ModeDivergence | None = None  # the first in time
    _first: dict[int, tuple[CheckId, Sample, tuple[int, ...]]] = field(default_factory=dict)
    _again: set[int] = field(default_factory=set)

    def add(self, check: CheckId | Literal[""], sample: Sample) -> None:
        """Notes the last replay."""
        vector = self.hashes.vector()
        if id(sample) not in self._first:
            assert check
            self._first[id(sample)] = (check, sample, vector)
            return
        self._again.add(id(sample))
        first, _, expected = self._first[id(sample)]
        if vector != expected and self.divergence is None:
            place = self.hashes.places[parting(expected, vector)]
            self.divergence = ModeDivergence(
                module=place.module,
                operator=place.operator,
                index=place.index,
                output_shape=place.output_shape,
                check=first,
            )

    @property
    def once(self) -> list[Sample]:
        """Those that ran once only."""
        return [sample for key, (_, sample, _) in self._first.items() if key not in self._again]


class _Graph:
    """A forward captured for the shapes of one sample: inputs are copied into the tensors that it was captured with."""

    def __init__(self, side: Side, sample: Sample, hashes: BitHashes | None = None) -> None:
        self._side = side
        self._tensors = side.tensors(sample)

        def forward() -> Outputs:
            watching = nullcontext() if hashes is None else hashes.watching(side.module)
            with torch.inference_mode(), side.context(), watching:
                return side.task.forward(side.module, self._tensors)

        side.call(self._tensors, hashes)  # what a first forward sets up must not be captured
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
