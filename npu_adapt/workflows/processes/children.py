"""Processes that this command starts of itself end when it ends, however that is: none keeps a device for nobody."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PARENT_VARIABLE = "NPU_ADAPT_PARENT"
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl(2)


def child_environment(**more: str) -> dict[str, str]:
    """The environment of this process for a child that is to call `end_with_parent`, and `more`."""
    return {**os.environ, PARENT_VARIABLE: str(os.getpid()), **more}


def end_with_parent() -> None:
    """Has the kernel kill this process when the one that started it is gone, by SIGKILL or SIGTERM for instance.

    Does nothing in a process that was started without `child_environment`, and on other systems than Linux.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent or sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    if str(os.getppid()) != parent:  # gone before the kernel knew
        os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Within it, SIGTERM, by which batch systems end a job, is what Ctrl-C is. For the main thread alone."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
