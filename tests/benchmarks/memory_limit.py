"""Whether `compare` judges a checkpoint that is larger than the memory it may have.

    python -m tests.benchmarks.memory_limit [--mib 3052] [--limit-mib 2048] [--fast] [--keep DIR]

A Llama of random weights in bfloat16 is made in shards, and judged by `compare --max-memory`, a sixteenth below the
limit, in a control group that the kernel grants the limit and no swap. A process limit would not do: RLIMIT_AS and
RLIMIT_DATA count what is mapped and not what is resident, and Linux ignores RLIMIT_RSS. A group counts pages of files
as well, as soon as it reads them, so the checkpoint's are dropped from the machine's memory first. Where no group may
be made (it takes root, or a writable version 2 group), that is said, and what the process holds is all there is.

Then it is judged without a limit. Exits with 1 where the two do not find the same to the last bit, the process held
more than it was told, or the kernel had to end it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    os.environ |= {"TORCH_DEVICE_BACKEND_AUTOLOAD": "0", "HF_HUB_OFFLINE": "1"}
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.benchmarks.memory import NPU_ADAPT, checkpoint, watched

GROUPS = Path("/sys/fs/cgroup")
GROUP = f"npu-adapt-{os.getpid()}"
# Version 1 and 2: the folder of the groups, the file of the limit, and that of swap, which a "0" forbids.
VERSIONS = (
    (GROUPS / "memory", "memory.limit_in_bytes", "memory.swappiness"),
    (GROUPS, "memory.max", "memory.swap.max"),
)
ENTER = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
TIMED = frozenset({"latency", "ms", "baseline"})  # parts of a record that are never the same twice


@dataclass(frozen=True)
class Run:
    """One comparison: what it found, and what it held of memory at most, in MiB."""

    found: Any
    resident: float
    anonymous: float
    seconds: float


@contextmanager
def group(limit_bytes: int) -> Iterator[Path | None]:
    """A control group with the limit; None: none may be made here."""
    for folder, limit, swap in VERSIONS:
        made = folder / GROUP
        try:
            made.mkdir()
            (made / limit).write_text(str(limit_bytes))
        except OSError:
            continue
        try:
            (made / swap).write_text("0")
            yield made
        finally:
            made.rmdir()
        return
    yield None


def drop_from_memory(folder: Path) -> None:
    """Lets the machine forget the pages of the files, so that whoever reads them next is charged for them."""
    for file in folder.iterdir():
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def judged(model: Path, logs: Path, options: list[str], within: Path | None = None) -> Run:
    """The comparison in a process of its own, which enters the control group before it does anything."""
    command = [str(NPU_ADAPT), "compare", str(model), "--device", "cpu", "--offline", "--logs", str(logs), *options]
    if within is not None:
        command = ["sh", "-c", ENTER, str(within), *command]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    whole, anonymous = watched(process)
    if process.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    record = json.loads((logs / "summary.json").read_text())
    return Run(untimed(record["compare"]), whole, anonymous, time.perf_counter() - started)


def untimed(value: Any) -> Any:
    """A part of a record without what was timed."""
    if isinstance(value, dict):
        return {name: untimed(each) for name, each in value.items() if not TIMED.intersection(name.split("_"))}
    return [untimed(each) for each in value] if isinstance(value, list) else value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=3052)
    parser.add_argument("--limit-mib", type=int, default=2048)
    parser.add_argument("--fast", action="store_true", help="one forward a side, where a disk is too slow for thirty")
    parser.add_argument("--keep", type=Path, help="a folder for the checkpoint, used again where it is there")
    options = parser.parse_args()
    extent = ["--fast"] if options.fast else []
    told = options.limit_mib * 15 // 16
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = (options.keep or folder / "model").resolve()
        if not (model / "config.json").is_file():
            checkpoint(model, options.mib, shard_mb=max(1, options.mib // 4))
        shards = [file.stat().st_size / 2**20 for file in model.glob("*.safetensors")]
        print(f"{sum(shards):.0f} MiB of weights in {len(shards)} files, {options.limit_mib} MiB of memory", flush=True)
        drop_from_memory(model)
        with group(options.limit_mib << 20) as within:
            print("in a control group of its own" if within else "NO control group may be made here")
            limited = judged(model, folder / "limited", ["--max-memory", f"{told}MiB", *extent], within)
            show(f"--max-memory {told}MiB", limited)
        free = judged(model, folder / "free", extent)
        show("without a limit", free)
    checks = {
        "the same to the last bit": limited.found == free.found,
        f"at most {told} MiB held": limited.resident <= told,
    }
    for name, holds in checks.items():
        print(f"{name}: {'holds' if holds else 'MISSED'}")
    return 0 if all(checks.values()) else 1


def show(name: str, run: Run) -> None:
    print(
        f"{name:22} {run.resident:6.0f} MiB held at most, {run.anonymous:6.0f} of them without a file, "
        f"{run.seconds:5.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
