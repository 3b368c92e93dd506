"""File systems with no room: of few bytes, of few files, and read-only, in every place where a command writes."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.benchmarks.hostile.running import BUILTIN, CPU, FAST, Input
from tests.hub.small_disk import NAMESPACES, namespace

OPTIONS = (
    *(f"size={kilobytes}k" for kilobytes in (4, 12, 24, 40, 100)),
    *(f"size=1m,nr_inodes={count}" for count in (2, 3, 5, 8, 14, 20)),
    "ro",
)
NEW_NAMESPACE = 0x00020000  # CLONE_NEWNS of sched.h


def disks(saved: Path, chosen: Random) -> Iterator[Input]:
    """Nothing where this process may not mount anything."""
    if namespace() != NAMESPACES[0]:
        return
    kept = {"NPU_ADAPT_LOGS": str(saved / "logs")}
    commands: tuple[tuple[tuple[str, ...], dict[str, str | None]], ...] = (
        (("infer", *CPU, "--logs", "small/logs"), {}),
        ((*FAST, "--logs", "small/logs", "--save-outputs", "small/outputs"), {}),
        (("bench", BUILTIN, *CPU, "--iters", "2", "--no-limits", "--logs", "small/logs"), {}),
        (("env", "--quiet", "--logs", "small/logs", "--save", "small/x.json"), {}),
        (("report", "--out", "small/x.html"), {**kept}),
        (("report", "--bundle", "small/b"), {**kept}),
        (("models", "verify"), {"NPU_ADAPT_CACHE": "small/registry"}),
        (("infer", *CPU), {"NPU_ADAPT_CACHE": "small/registry", "HOME": None, "TMPDIR": "small"}),
        (("env", "--quiet"), {"TMPDIR": "small", "HOME": "small/home"}),
        (("sweep", BUILTIN, "--run", "report", "--devices", "cpu", "--quiet", "--logs", "small/logs"), {}),
    )
    for options in OPTIONS:
        for command, environment in commands:
            yield Input(
                f"a disk of {options}, {command[0]}",
                command,
                prepare=lambda folder: (folder / "small").mkdir(),
                environment=environment,
                before=_mounted(options),
            )


def _mounted(options: str) -> Callable[[], None]:
    """`small` as a file system of its own, which nobody else sees and which ends with this process."""

    def mount() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(NEW_NAMESPACE):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", Path.cwd() / "small"], check=True)

    return mount
