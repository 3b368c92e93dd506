"""`compare --soak TIME`: forwards of one input under load, the bits of every operator watched on the device."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from npu_adapt.devices.device import Device
from npu_adapt.devices.telemetry import vitals_of
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.bit_hashes import BitHashes, Place, hashes_there, parting
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Soak, SoakPlace, SoakReading
from npu_adapt.workflows.run.forward import Side

LEAST_FORWARDS = 3  # of which two must agree for the third to be the odd one
MOST_READINGS = 60
SHORTEST_INTERVAL = 1.0  # seconds between two readings
MOST_KINDS = 4096  # of forwards with different bits that are told apart


@dataclass
class _Kind:
    """Forwards with the same bits in every operator."""

    vector: tuple[int, ...]
    places: Sequence[Place]
    first: int  # the first of them, counted from 1
    forwards: int = 0


@dataclass
class _Kinds:
    """All forwards so far, by their bits."""

    found: dict[tuple[int, ...], _Kind] = field(default_factory=dict)
    forwards: int = 0

    def add(self, vector: tuple[int, ...], places: Sequence[Place]) -> None:
        self.forwards += 1
        if vector not in self.found and len(self.found) >= MOST_KINDS:
            vector = next(reversed(self.found))  # counted as changed, with the last kind that was told apart
        kind = self.found.setdefault(vector, _Kind(vector, places, self.forwards))
        kind.forwards += 1

    @property
    def most(self) -> _Kind:
        """Those of most forwards, the earliest of several."""
        return max(self.found.values(), key=lambda kind: kind.forwards)

    def changes(self) -> tuple[SoakPlace, ...]:
        """Where forwards parted from most, in the order of execution."""
        usual = self.most
        parted: dict[int, list[_Kind]] = {}
        for kind in self.found.values():
            if kind is not usual:
                parted.setdefault(parting(usual.vector, kind.vector), []).append(kind)
        return tuple(_place(usual.places, at, parted[at]) for at in sorted(parted))


def _place(places: Sequence[Place], at: int, kinds: Sequence[_Kind]) -> SoakPlace:
    place = places[at]
    return SoakPlace(
        module=place.module,
        operator=place.operator,
        index=place.index,
        output_shape=place.output_shape,
        forwards=sum(kind.forwards for kind in kinds),
        first_forward=min(kind.first for kind in kinds),
    )


def run_soak(side: Side, sample: Sample, seconds: float, progress: Progress) -> Soak:
    """Forwards of `side` on one sample for as long as `seconds`, and `LEAST_FORWARDS` in any case."""
    hashes = BitHashes(on_device=hashes_there(side.device.torch_device, side.dtype))
    kinds = _Kinds()
    started = time.perf_counter()
    with (
        progress.task(doing("soaking", device=side.device.name), total=seconds) as step,
        _reading(side.device, seconds) as readings,
    ):
        shown = 0.0
        while kinds.forwards < LEAST_FORWARDS or time.perf_counter() - started < seconds:
            side.call(side.tensors(sample), hashes)
            kinds.add(hashes.vector(), hashes.places)
            elapsed = min(seconds, time.perf_counter() - started)
            step.advance(elapsed - shown)
            shown = elapsed
    return Soak(
        asked_seconds=seconds,
        seconds=time.perf_counter() - started,
        forwards=kinds.forwards,
        changed=kinds.forwards - kinds.most.forwards,
        operators=len(kinds.most.vector),
        on_device=hashes.on_device,
        places=kinds.changes(),
        readings=tuple(readings),
    )


@contextmanager
def _reading(device: Device, seconds: float) -> Iterator[list[SoakReading]]:
    """Within it, the device is asked for its temperature and clock now and then, beside the forwards."""
    readings: list[SoakReading] = []
    read = vitals_of(device)
    started, ended = time.perf_counter(), threading.Event()

    def ask() -> None:
        interval = max(SHORTEST_INTERVAL, seconds / MOST_READINGS)
        while True:
            at = time.perf_counter() - started
            told = read()
            if told.temperature_celsius is None and told.clock_megahertz is None:
                return
            readings.append(
                SoakReading(
                    seconds=at, temperature_celsius=told.temperature_celsius, clock_megahertz=told.clock_megahertz
                )
            )
            if ended.wait(interval):
                return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    try:
        yield readings
    finally:
        ended.set()
        asking.join()
