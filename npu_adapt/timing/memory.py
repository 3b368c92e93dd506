"""This process's resident memory, as the kernel counts it, and a bound on it."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from npu_adapt.timing.quota import CONTROL_GROUPS, GROUPS_OF_THIS_PROCESS, group_folders

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
# Of a control group: its limit, what is taken of it, and which part of that are pages of files; version 2, version 1.
_GROUP_FILES = (("max", "current", "inactive_file"), ("limit_in_bytes", "usage_in_bytes", "total_inactive_file"))
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


def anonymous_bytes() -> int:
    """The part of what is resident that no file is behind; all of it where the system does not tell."""
    found = _status_bytes("RssAnon")
    return resident_bytes() if found is None else found


def return_unused(*, with_cycles: bool = False) -> None:
    """Gives the system back what was freed and lies between what is still used; glibc keeps it otherwise.

    With `with_cycles` also what only refers to itself, some MiB after torch and transformers were imported: a third of
    a second.
    """
    if with_cycles:
        gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def free_bytes(groups: Path = GROUPS_OF_THIS_PROCESS, root: Path = CONTROL_GROUPS) -> int:
    """What this process can still take: of the machine's memory, and of what its control groups allow.

    Pages of files count as free, as they do in what the kernel says of the machine.
    """
    free = int(psutil.virtual_memory().available)
    for folder in group_folders("memory", ("memory",), groups, root):
        for names in _GROUP_FILES:
            with suppress(OSError, ValueError):
                free = min(free, _left_in(folder, *names))
    return max(0, free)


def _left_in(group: Path, most: str, taken: str, of_files: str) -> int:
    """What a control group has left of its limit. Raises `ValueError` where it sets none."""
    limit, used = (int((group / f"memory.{name}").read_text()) for name in (most, taken))
    counts = (line.split() for line in (group / "memory.stat").read_text().splitlines())
    return limit - used + next((int(count) for name, count in counts if name == of_files), 0)


@contextmanager
def bounded(further_bytes: int | None = None) -> Iterator[None]:
    """Within it, asking for so much more memory raises, instead of the kernel killing the process.

    None: for more than the machine has left. Linux grants memory that it does not have, so that a batch too large would
    end the whole sweep without a word. Mappings of files that may be written into count, by their length; what is there
    already does not. Nothing is bounded on other systems.
    """
    held = _status_bytes("VmData")
    if held is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = held + (round(SPARED * psutil.virtual_memory().available) if further_bytes is None else further_bytes)
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
