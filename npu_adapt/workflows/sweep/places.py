"""Where models can run: the devices that were asked for and compute, each with cores of its own."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import psutil

from npu_adapt.devices.backends import CPU
from npu_adapt.devices.doctor.machine import cpu_name
from npu_adapt.devices.doctor.probing import Probe, Probing
from npu_adapt.devices.names import parse_device_name
from npu_adapt.errors import DeviceUnavailable, Sentence, UsageError
from npu_adapt.records.sweep import Placement

ALL = "all"
PROBE_SECONDS = 120.0
_HINT = "npu-adapt env says what does not fit; without an accelerator: --devices cpu"


@dataclass(frozen=True)
class Place:
    """One device, or one share of a CPU: runs one model at a time."""

    placement: Placement
    device_name: str  # the kind and the maker's name
    is_shared: bool = False  # whether the device serves many at a time


def probe() -> Probe:
    """What torch sees here and what computes, asked in a process of its own."""
    with Probing() as probing:
        return probing.answer(PROBE_SECONDS)


def places_here(devices: str, jobs: int | None, *, spare: bool = False) -> tuple[Place, ...]:
    """The places of this machine for `--devices` and `--jobs`; with `spare` one core is left to downloads, if possible.

    Raises `UsageError` and `DeviceUnavailable`.
    """
    names = asked_devices(devices)
    cores = available_cores()
    if names == (CPU.kind,):
        shares = shared_cores(without_spare(cores, jobs or 1, spare), jobs or 1)
        make = partial(Place, device_name=f"{CPU.kind} {cpu_name()}", is_shared=True)
        return tuple(make(Placement(node=platform.node(), device=CPU.kind, cores=cores)) for cores in shares)
    found = usable_devices(names)
    chosen = [*found][: jobs or len(found)]
    shares = shared_cores(without_spare(cores, len(chosen), spare), len(chosen))
    return tuple(
        Place(Placement(node=platform.node(), device=name, cores=cores), found[name])
        for name, cores in zip(chosen, shares, strict=True)
    )


def without_spare(cores: tuple[int, ...], places: int, spare: bool) -> tuple[int, ...]:
    return cores[:-1] if spare and len(cores) > places else cores


def spare_cores(places: tuple[Placement, ...]) -> tuple[int, ...]:
    """The cores that no place has; the last one where they have all."""
    cores = available_cores()
    used = {core for place in places for core in place.cores}
    return tuple(core for core in cores if core not in used) or cores[-1:]


def asked_devices(devices: str) -> tuple[str, ...]:
    """The names in `--devices`; ("all",) for all accelerators. Raises `UsageError`."""
    names = tuple(dict.fromkeys(part.strip() for part in devices.split(",")))
    if names == (ALL,):
        return names
    for name in names:
        backend = parse_device_name(name).backend
        if backend is None or (backend is CPU and len(names) > 1):
            raise UsageError(
                Sentence("--devices {devices}: {name!r} is no accelerator", devices=devices, name=name),
                hint="--devices all, --devices npu:0,npu:3 or cpu",
            )
    return tuple(
        f"{name}:0" if ":" not in name and parse_device_name(name).backend is not CPU else name for name in names
    )


def usable_devices(names: tuple[str, ...]) -> dict[str, str]:
    """Each device that was asked for, with its name. Raises `DeviceUnavailable` where one does not compute."""
    usable = {f"{each.kind}:{each.index}": f"{each.kind} {each.name}" for each in probe().usable}
    if names == (ALL,):
        if not usable:
            raise DeviceUnavailable("no accelerator works here", hint=_HINT)
        return usable
    missing = [name for name in names if name not in usable]
    if missing:
        seen = ", ".join(usable) or "none"
        raise DeviceUnavailable(
            Sentence("{names} cannot be used here; usable: {seen}", names=", ".join(missing), seen=seen), hint=_HINT
        )
    return {name: usable[name] for name in names}


def still_works(device: str) -> bool:
    """Whether the device computes now, in a new process."""
    return device in {f"{each.kind}:{each.index}" for each in probe().usable}


def available_cores() -> tuple[int, ...]:
    """The cores that this process may use; empty where none are pinned."""
    process = psutil.Process(os.getpid())
    return tuple(sorted(process.cpu_affinity())) if hasattr(process, "cpu_affinity") else ()


def shared_cores(cores: tuple[int, ...], places: int) -> list[tuple[int, ...]]:
    """Cores for each place: of its own where there are enough, neighbours together; else one that it shares."""
    if not cores:
        return [()] * places
    if places > len(cores):
        return [(cores[at % len(cores)],) for at in range(places)]
    ends = [len(cores) * at // places for at in range(places + 1)]
    return [cores[start:end] for start, end in pairwise(ends)]
