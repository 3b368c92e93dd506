"""The mark `alone`: tests run beside each other, but a test that measures runs beside no other.

Each test holds a lock for as long as it and its fixtures run, in common with others, or for itself where it is marked.
"""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import IO, Any

import pytest

MARKER = "alone: runs beside no other test, because it measures time"
LOCK = pytest.StashKey[IO[bytes]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the process that starts the workers, for each of them: the file that they lock, gone when it ends."""
    stash = node.config.stash
    if LOCK not in stash:
        stash[LOCK] = tempfile.NamedTemporaryFile(prefix="npu-adapt-tests-turns-")  # noqa: SIM115 - open to the end
    node.workerinput["turns"] = stash[LOCK].name


@pytest.hookimpl(wrapper=True, tryfirst=True)  # waiting does not count for the time limit of a test
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    worker = getattr(item.config, "workerinput", None)
    if worker is None:
        return (yield)
    with Path(worker["turns"]).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        return (yield)
