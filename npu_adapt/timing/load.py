"""What else the machine and the device did while something was measured: work of others, heat, changes of clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from npu_adapt.records import Fact
from npu_adapt.timing.quota import Quotas, read_quotas, throttled_between

# A fifth of one core, or on large machines a fiftieth of all: what services and terminals take stays below.
FOREIGN_CORES = 0.2
FOREIGN_SHARE = 0.02
TICK_SECONDS = 0.01  # the kernel counts processor time in hundredths of a second
FOREIGN_TICKS = 10
FREQUENCY_CHANGE = 0.1
DEVICE_MEMORY_CHANGE = 16 << 20  # less is the driver's own
_THROTTLES = "cpu[0-9]*/thermal_throttle/core_throttle_count"  # x86: how often a core was slowed down for its heat


class Watched(Protocol):
    """What a device tells of itself; None where it does not."""

    def memory_of_others(self) -> int | None: ...
    def clock_megahertz(self) -> float | None: ...


@dataclass(frozen=True)
class Counters:
    """The machine's counters at one moment."""

    seconds: float
    busy_seconds: float  # all cores, all processes, and what a hypervisor took away
    own_seconds: float  # this process and its children
    megahertz: float | None  # None: the platform does not tell
    throttles: int | None = None  # None: the platform does not tell
    device_others_bytes: int | None = None  # None: the device does not tell
    device_megahertz: float | None = None  # None: the device does not tell
    quotas: Quotas = field(default_factory=dict)  # empty: no quota binds this process, or the platform does not tell


def read_counters(device: Watched | None = None) -> Counters:
    """The counters now, with those of `device` if there is one."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Guests are counted in user time already.
    counted = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    frequency = psutil.cpu_freq()
    return Counters(
        seconds=time.perf_counter(),
        busy_seconds=counted - idle,
        own_seconds=_own_seconds(),
        megahertz=frequency.current if frequency is not None else None,
        throttles=_throttles(),
        device_others_bytes=None if device is None else device.memory_of_others(),
        device_megahertz=None if device is None else device.clock_megahertz(),
        quotas=read_quotas(),
    )


def _throttles(root: Path = Path("/sys/devices/system/cpu")) -> int | None:
    counts = []
    for file in root.glob(_THROTTLES):
        with suppress(OSError, ValueError):
            counts.append(int(file.read_text()))
    return sum(counts) if counts else None


def _own_seconds() -> float:
    process = psutil.Process()
    times = process.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        try:
            spent = child.cpu_times()
        except psutil.Error:
            continue
        total += spent.user + spent.system
    return float(total)


def foreign_cores(before: Counters, after: Counters) -> float:
    """Cores that others kept busy between two readings, on average; never below zero."""
    elapsed = after.seconds - before.seconds
    foreign = (after.busy_seconds - before.busy_seconds) - (after.own_seconds - before.own_seconds)
    return max(0.0, foreign / elapsed) if elapsed > 0 else 0.0


def warnings_between(before: Counters, after: Counters, *, cores: int | None = None) -> tuple[Fact, ...]:
    """Foreign load, a quota, heat and a change of clock between two readings. `cores` None: this machine's."""
    count = cores or psutil.cpu_count() or 1
    return (
        *_foreign_load(before, after, count),
        *_quota(before.quotas, after.quotas),
        *_device_memory(before.device_others_bytes, after.device_others_bytes),
        *_heat(before.throttles, after.throttles),
        *_clock("frequency", before.megahertz, after.megahertz),
        *_clock("device-frequency", before.device_megahertz, after.device_megahertz),
    )


def _foreign_load(before: Counters, after: Counters, cores: int) -> Iterator[Fact]:
    foreign = foreign_cores(before, after)
    seconds = after.seconds - before.seconds
    if foreign > max(FOREIGN_CORES, FOREIGN_SHARE * cores) and foreign * seconds >= FOREIGN_TICKS * TICK_SECONDS:
        yield Fact("foreign-load", {"busy_cores": foreign, "cores": cores})


def _quota(before: Quotas, after: Quotas) -> Iterator[Fact]:
    if (stopped := throttled_between(before, after)) is not None:
        yield Fact("cpu-throttled", {"throttled": stopped.throttled, "periods": stopped.periods})


def _device_memory(before: int | None, after: int | None) -> Iterator[Fact]:
    if before is None or after is None:
        return
    if after - before > DEVICE_MEMORY_CHANGE:
        yield Fact("device-memory-rose", {"bytes": after - before})
    elif before - after > DEVICE_MEMORY_CHANGE:
        yield Fact("device-memory-fell", {"bytes": before - after})


def _heat(before: int | None, after: int | None) -> Iterator[Fact]:
    if before is not None and after is not None and after > before:
        yield Fact("thermal", {"times": after - before})


def _clock(name: str, before: float | None, after: float | None) -> Iterator[Fact]:
    if before and after and abs(after / before - 1) > FREQUENCY_CHANGE:
        yield Fact(name, {"before_mhz": before, "after_mhz": after})
