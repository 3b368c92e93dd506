"""The small disk of the tests is small, grows when it is told to, and is filled by others in the middle."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.hub import small_disk
from tests.hub.small_disk import Step, run_on_small_disk

WRITE = """
import pathlib, sys, time
with (pathlib.Path(sys.argv[1]) / sys.argv[2]).open("wb", buffering=0) as file:
    for _ in range(8):
        file.write(b"x" * 65536)
        time.sleep(float(sys.argv[3]))
print(file.name)
"""


def write(folder: Path, name: str, pause: float = 0.0) -> tuple[str, ...]:
    return (sys.executable, "-c", WRITE, str(folder), name, str(pause))


def test_the_disk_is_full_and_grows(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    full, grown = run_on_small_disk(folder, [Step(write(folder, "a"), 200_000), Step(write(folder, "b"))], {})
    assert full.code == 1
    assert ("No space left" if small_disk.namespace() else "File too large") in full.stderr
    assert (grown.code, grown.stdout.strip()) == (0, str(folder / "b"))


def test_without_namespaces_a_file_cannot_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_disk, "namespace", lambda: None)
    folder = tmp_path / "disk"
    full, grown = run_on_small_disk(folder, [Step(write(folder, "a"), 200_000), Step(write(folder, "b"))], {})
    assert (full.code, "File too large" in full.stderr, grown.code) == (1, True, 0)
    assert small_disk.way() == "RLIMIT_FSIZE"


@pytest.mark.skipif(small_disk.namespace() is None, reason="this machine gives no mount namespace (unshare --mount)")
def test_somebody_else_fills_the_disk(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    steps = [Step(write(folder, "a", 0.05), 1_000_000, filled_at=100_000), Step(write(folder, "b"))]
    full, grown = run_on_small_disk(folder, steps, {})
    assert (full.code, "No space left" in full.stderr, grown.code) == (1, True, 0)
    assert not list(folder.iterdir())
