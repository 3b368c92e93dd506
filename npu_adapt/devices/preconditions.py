"""What torch, numpy and transformers need of the process that loads them, asked before they are loaded.

Without it they do not raise: OpenBLAS ends the process with exit code 1, a stack that is too small with a signal, and a
half-loaded library with a message about something else. The figures were measured with torch 2.13 on x86_64, by
`infer`, `bench` and `compare` of the built-in model under falling limits, and are rounded up: address space 980 MiB
(1060 MiB with two threads), data 450 MiB, a stack of 128 KiB.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from npu_adapt.errors import DeviceUnavailable, Sentence
from npu_adapt.rounding import size

MEBIBYTE = 1 << 20
KIBIBYTE = 1 << 10
OPENBLAS_MOST_THREADS = 64  # of the library in numpy's wheels
THREAD = 48 * MEBIBYTE  # 40 of OpenBLAS's buffer, 8 of a stack
STRIPPED = 2  # of `sys.flags.optimize`: docstrings are dropped


@dataclass(frozen=True)
class Need:
    """How much of what a limit bounds is needed, and how a shell names that limit."""

    limit: str  # of the module `resource`
    shell: str
    needed_bytes: Callable[[], int]


@dataclass(frozen=True)
class Shortage:
    """A limit that is too low."""

    shell: str  # its name in a shell: "ulimit -v"
    allowed_bytes: int
    needed_bytes: int

    @property
    def needed_kibibytes(self) -> int:
        """What a shell takes to raise it."""
        return -(-self.needed_bytes // KIBIBYTE)


NEEDS = (
    Need("RLIMIT_AS", "ulimit -v", lambda: 1024 * MEBIBYTE + (_threads() - 1) * THREAD),
    Need("RLIMIT_DATA", "ulimit -d", lambda: 512 * MEBIBYTE),
    Need("RLIMIT_STACK", "ulimit -s", lambda: 256 * KIBIBYTE),
)


def require_fit_process() -> None:
    """Raises `DeviceUnavailable` where this process may not take what loading torch and transformers takes."""
    if sys.flags.optimize >= STRIPPED:
        raise DeviceUnavailable(
            "this Python drops docstrings, and transformers reads its own",
            hint="run it without -OO, and with PYTHONOPTIMIZE unset or at most 1",
        )
    short = shortage()
    if short is not None:
        raise DeviceUnavailable(
            Sentence(
                "{shell} allows this process {allowed}, and torch takes {needed} before it computes",
                shell=short.shell,
                allowed=size(short.allowed_bytes),
                needed=size(short.needed_bytes),
            ),
            hint=Sentence(
                "raise the limit: {shell} {kibibytes}; fewer threads take less: OMP_NUM_THREADS=1",
                shell=short.shell,
                kibibytes=short.needed_kibibytes,
            ),
        )


def shortage() -> Shortage | None:
    """The first limit that does not allow what is needed; None: all do."""
    for need in NEEDS:
        allowed, needed = _allowed(need.limit), need.needed_bytes()
        if allowed is not None and allowed < needed:
            return Shortage(need.shell, allowed, needed)
    return None


def _allowed(limit: str) -> int | None:
    """The bytes that the limit allows; None: no limit, or a system that has none of that name."""
    try:
        import resource
    except ImportError:  # another system
        return None
    number = getattr(resource, limit, None)
    if number is None:
        return None
    soft: int = resource.getrlimit(number)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def _threads() -> int:
    """The threads that OpenBLAS starts when it is loaded."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        said = os.environ.get(name, "")
        if said.isascii() and said.isdigit() and int(said) > 0:
            return min(int(said), OPENBLAS_MOST_THREADS)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, OPENBLAS_MOST_THREADS)
