"""This process's resident memory, as the kernel counts it, and a bound on it."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from npu_adapt.timing.quota import CONTROL_GROUPS, GROUPS_OF_THIS_PROCESS

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
SPARED = 0.95  # of what is available: the rest keeps the machine alive


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
    peak = _status_bytes("VmHWM")
    if peak is not None:
        return peak
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def resident_bytes() -> int:
    """What is resident now."""
    return int(psutil.Process().memory_info().rss)


def free_bytes(groups: Path = GROUPS_OF_THIS_PROCESS, root: Path = CONTROL_GROUPS) -> int:
    """What this process can still take: of the machine's memory, and of what its control groups (version 2) allow.

    Pages of files count as free, as they do in what the kernel says of the machine.
    """
    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):
        lines = groups.read_text(encoding="utf-8", errors="replace").splitlines()
        path = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
        folder = None if path is None else root / path
        while folder is not None and folder != root.parent:
            free = min(free, _left_in(folder, free))
            folder = folder.parent
    return max(0, free)


def _left_in(group: Path, otherwise: int) -> int:
    """What a control group has left; `otherwise` where it sets no limit."""
    try:
        limit, used = ((group / f"memory.{name}").read_text().strip() for name in ("max", "current"))
        of_files = (line.split() for line in (group / "memory.stat").read_text().splitlines())
        inactive = next((int(count) for name, count in of_files if name == "inactive_file"), 0)
    except OSError:
        return otherwise
    return otherwise if limit == "max" else int(limit) - int(used) + inactive


@contextmanager
def bounded() -> Iterator[None]:
    """Within it, asking for more memory than the machine has left raises, instead of the kernel killing the process.

    Linux grants memory that it does not have, so that a batch too large would end the whole sweep without a word.
    Nothing is bounded on other systems.
    """
    held = _status_bytes("VmData")
    if held is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + round(SPARED * psutil.virtual_memory().available)
    for limit in (soft, hard):
        if limit != resource.RLIM_INFINITY:
            wanted = min(wanted, limit)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _status_bytes(field: str) -> int | None:
    """A size from the kernel's status of this process; None where there is none."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), None)
