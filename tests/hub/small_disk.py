"""A disk that fills up: commands that run where a folder is a file system of its own, of a given size.

The folder becomes a tmpfs in a mount namespace of the commands (`unshare`, util-linux), which needs root, or a kernel
that lets users have namespaces. Where neither is there, `RLIMIT_FSIZE` takes its place: no file may grow beyond the
size, and writing on is EFBIG, not ENOSPC.

    python -m tests.hub.small_disk < JSON      # inside the namespace; see `run_on_small_disk`
"""

from __future__ import annotations

import functools
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.commands import Finished, run_process

NAMESPACES = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
PLENTY = 1 << 30
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Step:
    """One command, and what happens to the disk before it or beside it. Sizes are bytes."""

    command: tuple[str, ...]
    size: int = PLENTY  # of the disk
    filled_at: int | None = None  # somebody else takes the rest once so much is in use; None: nobody does


@functools.cache
def namespace() -> tuple[str, ...] | None:
    """The command that gives its argument a mount namespace of its own; None: this machine allows none."""
    for prefix in NAMESPACES:
        if shutil.which(prefix[0]) is None:
            return None
        tried = subprocess.run([*prefix, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
        if tried.returncode == 0:
            return prefix
    return None


def way() -> str:
    """How the disk is kept small here, for a table."""
    return " ".join(["tmpfs in", *namespace()]) if namespace() else "RLIMIT_FSIZE"


def run_on_small_disk(
    folder: Path, steps: Sequence[Step], environment: Mapping[str, str | None], timeout: float = 180
) -> list[Finished]:
    """What each of `steps` left behind, run one after the other on the same disk at `folder`, lost afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    order = {"folder": str(folder), "mount": namespace() is not None, "steps": [asdict(step) for step in steps]}
    command = [*(namespace() or ()), sys.executable, "-m", "tests.hub.small_disk"]
    done = run_process(command, cwd=ROOT, environment=environment, stdin=json.dumps(order), timeout=timeout)
    if done.code:
        raise RuntimeError(f"no small disk: {done.stderr}")
    return [Finished(*each) for each in json.loads(done.stdout)]


def _inside(order: Mapping[str, object]) -> list[tuple[int, str, str]]:
    folder = Path(str(order["folder"]))
    mounted = bool(order["mount"])
    if mounted:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=777", "tmpfs", folder], check=True)
    results = []
    for row in order["steps"]:  # type: ignore[attr-defined]
        step = Step(**row)
        if mounted:
            (folder / "filler").unlink(missing_ok=True)
            subprocess.run(["mount", "-o", f"remount,size={step.size}", folder], check=True)
        results.append(_run(step, folder, mounted=mounted))
    return results


def _run(step: Step, folder: Path, *, mounted: bool) -> tuple[int, str, str]:
    if not mounted:  # this process's own limit, which the command inherits; Python ignores SIGXFSZ
        _, highest = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (step.size, highest))
    with subprocess.Popen(step.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        if step.filled_at is not None and mounted:
            _fill(folder, step.filled_at, process)
        stdout, stderr = process.communicate()
    return process.returncode, stdout, stderr


def _fill(folder: Path, used: int, process: subprocess.Popen[str]) -> None:
    """Take what is left of the disk, once `used` bytes of it are in use or `process` has ended."""
    while shutil.disk_usage(folder).used < used and process.poll() is None:
        time.sleep(0.01)
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"\1" * 4096)
        except OSError:
            return


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    json.dump(_inside(json.load(sys.stdin)), sys.stdout)
