"""The processor time that a control group allows this process, and how often it was stopped for using it up.

A container's CPU limit is a quota of processor time in each period of, mostly, 100 ms. Who has used it up stands still
until the period ends, which no counter of load shows. The kernel counts both in `cpu.stat` of the group (Linux's
Documentation/admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GROUPS_OF_THIS_PROCESS = Path("/proc/self/cgroup")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
MOUNTED_AS = ("cpu,cpuacct", "cpu")  # where version 1 has the files of the processor


@dataclass(frozen=True)
class Quota:
    """What one control group has counted so far."""

    periods: int
    throttled: int  # of them those in which its processes were stopped


Quotas = Mapping[Path, Quota]  # by the folder of the group


def read_quotas(groups: Path = GROUPS_OF_THIS_PROCESS, root: Path = CONTROL_GROUPS) -> Quotas:
    """The counters of the groups that bind this process: its own and those above it.

    Empty where none has a quota, and on systems without control groups.
    """
    folders = group_folders("cpu", MOUNTED_AS, groups, root)
    counted = {folder: _counted(folder / "cpu.stat") for folder in folders}
    return {folder: quota for folder, quota in counted.items() if quota is not None}


def throttled_between(before: Quotas, after: Quotas) -> Quota | None:
    """What the group counted meanwhile that was stopped most often; None: none was stopped."""
    passed = [
        Quota(late.periods - early.periods, late.throttled - early.throttled)
        for folder, late in after.items()
        if (early := before.get(folder)) is not None and late.throttled > early.throttled
    ]
    return max(passed, key=lambda quota: quota.throttled, default=None)


def group_folders(controller: str, mounted_as: Sequence[str], groups: Path, root: Path) -> Iterator[Path]:
    """The folder of each group that this process is in, then those above it, which bind it too.

    Version 2 has one tree of groups, version 1 one for each `controller`, below `root` under one of some names.
    """
    try:
        lines = groups.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        # In a container the path is often that of the host, and what is mounted is the group itself.
        for top in [root / name for name in mounted_as] if controllers else [root]:
            group = top / path.strip("/")
            yield from (each for each in (group, *group.parents) if each == top or top in each.parents)


def _counted(file: Path) -> Quota | None:
    """None: there is no such file, or the group has no quota and so no periods."""
    counts: dict[str, int] = {}
    with suppress(OSError, ValueError):
        for line in file.read_text().splitlines():
            name, _, count = line.partition(" ")
            counts[name] = int(count)
    periods = counts.get("nr_periods", 0)
    return Quota(periods, counts.get("nr_throttled", 0)) if periods else None
