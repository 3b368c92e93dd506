"""Who may use a device and cores now: locks between all sweeps of a machine, whatever process they are in.

A command takes its cores together with others, or alone where it measures. Whoever waits for cores alone keeps further
ones from starting, so that it is not passed over.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

FIRST_WAIT, LONGEST_WAIT = 0.005, 0.1  # seconds between two tries


class Stopped(Exception):
    """The sweep is to end; what was asked for is not wanted any more."""


def folder_of_locks() -> Path:
    """A folder of this user's on this machine."""
    folder = Path(tempfile.gettempdir()) / f"npu-adapt-turns-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def turn(device: str | None, cores: tuple[int, ...], stop: threading.Event, *, alone: bool) -> Iterator[None]:
    """Holds `device` (None: one that many may use at a time) and `cores` while it lasts. Raises `Stopped`."""
    folder = folder_of_locks()
    with ExitStack() as held:
        if device is not None:
            held.enter_context(_locked(folder / f"device-{re.sub(r'[^a-z0-9]', '-', device)}", stop, alone=True))
        for core in cores:
            with _locked(folder / f"core-{core}-next", stop, alone=True):
                held.enter_context(_locked(folder / f"core-{core}", stop, alone=alone))
        yield


@contextmanager
def _locked(path: Path, stop: threading.Event, *, alone: bool) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    wait = FIRST_WAIT
    try:
        while True:
            if stop.is_set():
                raise Stopped
            try:
                fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
        yield
    finally:
        os.close(descriptor)
