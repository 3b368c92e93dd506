"""What else the machine did while something was measured: processor time of others, and changes of frequency."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from npu_adapt.records import Warning

# A fifth of one core, or on large machines a fiftieth of all: what services and terminals take stays below.
FOREIGN_CORES = 0.2
FOREIGN_SHARE = 0.02
TICK_SECONDS = 0.01  # the kernel counts processor time in hundredths of a second
FOREIGN_TICKS = 10
FREQUENCY_CHANGE = 0.1


@dataclass(frozen=True)
class Reading:
    """The machine's counters at one moment."""

    seconds: float
    busy_seconds: float  # all cores, all processes, and what a hypervisor took away
    own_seconds: float  # this process and its children
    megahertz: float | None  # None: the platform does not tell


def read() -> Reading:
    """The counters now; takes under a millisecond."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Guests are counted in user time already.
    counted = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    frequency = psutil.cpu_freq()
    return Reading(
        time.perf_counter(), counted - idle, _own_seconds(), frequency.current if frequency is not None else None
    )


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


def foreign_cores(before: Reading, after: Reading) -> float:
    """Cores that others kept busy between two readings, on average; never below zero."""
    elapsed = after.seconds - before.seconds
    foreign = (after.busy_seconds - before.busy_seconds) - (after.own_seconds - before.own_seconds)
    return max(0.0, foreign / elapsed) if elapsed > 0 else 0.0


def warnings_between(before: Reading, after: Reading, *, cores: int | None = None) -> tuple[Warning, ...]:
    """Foreign load and a change of frequency between two readings. `cores` None: this machine's."""
    count = cores or psutil.cpu_count() or 1
    found = []
    foreign = foreign_cores(before, after)
    seconds = after.seconds - before.seconds
    if foreign > max(FOREIGN_CORES, FOREIGN_SHARE * count) and foreign * seconds >= FOREIGN_TICKS * TICK_SECONDS:
        message = f"other processes kept {foreign:.2f} of {count} cores busy while measuring"
        found.append(Warning(id="foreign-load", message=message))
    if before.megahertz and after.megahertz:
        change = after.megahertz / before.megahertz - 1
        if abs(change) > FREQUENCY_CHANGE:
            message = f"the processor went from {before.megahertz:.0f} to {after.megahertz:.0f} MHz while measuring"
            found.append(Warning(id="frequency", message=message))
    return tuple(found)
