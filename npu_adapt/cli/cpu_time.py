"""The limit of CPU time (`ulimit -t`): reached, it is an interrupt with a reason, not an end without a word."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Final

FAREWELL_SECONDS: Final = 5  # of CPU time, to say so and to keep the evidence
used_up: list[int] = []  # signals that said so, in this process


def watch_cpu_time() -> None:
    """From now on an interrupt is raised where the CPU time of this process is used up, before the system kills it.

    Where both limits are the same, the system kills at once; the lower one is lowered so that its signal comes first.
    """
    if sys.platform == "win32":
        return
    import resource

    signal.signal(signal.SIGXCPU, _interrupt)
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY and soft == hard:
        resource.setrlimit(resource.RLIMIT_CPU, (max(1, hard - FAREWELL_SECONDS), hard))


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raises `KeyboardInterrupt` once: the signal comes again each second."""
    if not used_up:
        used_up.append(number)
        raise KeyboardInterrupt
