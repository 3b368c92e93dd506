"""The peak of this process's resident memory, as the kernel counts it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import psutil

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def reset_peak() -> bool:
    """Makes the kernel forget the peak so far; False where it cannot, and the peak is that of the whole process."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return False
    peak = peak_bytes()
    return peak <= resident_bytes() + (16 << 20)  # some kernels take the order and do nothing


def peak_bytes() -> int:
    """The most that was resident at once: since `reset_peak`, or since the process began."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def resident_bytes() -> int:
    """What is resident now."""
    return int(psutil.Process().memory_info().rss)
