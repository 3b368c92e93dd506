"""Examine a real accelerator, on a machine without a network.

    python -m tests.device [--device cuda:0|npu:0|cpu] [--minutes 8] [--out DIR] [--parts NAMES] [--carried DIR]
    python -m tests.device prepare [--carried DIR]

`prepare` makes the carried folder (`.device`, at most 60 MB) where there is a network: the packages that an image with
torch and transformers may lack, MiniLM, and the tiny models. The examination needs the checkout and that folder only.
It ends with 0 where nothing failed, else with 1; a part that fails stops no other.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.device import table
from tests.device.part import ROOT, Context
from tests.device.runner import Runner
from tests.device.suite import CPU_JOBS, PARTS, select


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.device", description="Examine a real accelerator.")
    made.add_argument("action", nargs="?", choices=("run", "prepare"), default="run")
    made.add_argument("--device", default="cuda:0", help="cuda:0, npu:0 or cpu (default: %(default)s)")
    made.add_argument("--minutes", type=float, default=8.0, help="the whole ends in this time (default: %(default)s)")
    made.add_argument("--out", type=Path, default=Path("device-results"), help="where the results go")
    made.add_argument("--carried", type=Path, default=ROOT / ".device", help="the carried folder (default: .device)")
    made.add_argument("--parts", help="only these, by name or by the beginning of it; separated by commas")
    made.add_argument("--size", choices=("tiny", "real"), help="of the large models; default: tiny on a CPU, else real")
    made.add_argument("--jobs", type=int, help="how many parts that measure no time run at once")
    made.add_argument("--list", action="store_true", help="list the parts and end")
    return made


def main(arguments: Sequence[str]) -> int:
    asked = parser().parse_args(arguments)
    if asked.list:
        for part in PARTS:
            print(f"{part.name:24} {part.seconds:4.0f} s at most{', alone' * part.alone}")
        return 0
    if asked.action == "prepare":
        from tests.device.prepare import prepare

        return prepare(asked.carried)
    return examine(asked, shlex.join(["python", "-m", "tests.device", *arguments]))


def examine(asked: argparse.Namespace, command: str) -> int:
    from tests.device.carried import unpacked

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the parts are ended too
    parts = select(asked.parts)
    work = Path(tempfile.mkdtemp(prefix="npu-adapt-device."))
    try:
        small = (asked.size or ("tiny" if asked.device == "cpu" else "real")) == "tiny"
        context = Context(asked.device, work, work / "shared", asked.carried.resolve(), small)
        jobs = asked.jobs or max(1, min(6, len(os.sched_getaffinity(0)) // CPU_JOBS))
        runner = Runner(
            context=context,
            out=asked.out.resolve(),
            seconds=60 * asked.minutes,
            jobs=jobs,
            environment=environment(work, unpacked(asked.carried, work / "site")),
            command=command,
        )
        record = runner.run(parts)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print("\n" + table.plain(record), flush=True)
    return int(any(part["status"] in ("wrong", "failed", "timeout") for part in record["parts"].values()))


def environment(work: Path, site: Path | None) -> dict[str, str]:
    """The parts' environment: the checkout and the carried packages, no network, nothing of the user's own runs."""
    paths = [str(ROOT), *([str(site)] if site else []), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "1",
        "TORCH_DEVICE_BACKEND_AUTOLOAD": "0",
        "NPU_ADAPT_CACHE": str(work / "cache"),
        "NPU_ADAPT_TEST_CACHE": os.environ.get("NPU_ADAPT_TEST_CACHE") or str(work / "shared"),
        "TORCHINDUCTOR_CACHE_DIR": str(work / "inductor"),
        "TRITON_CACHE_DIR": str(work / "triton"),
        "COLUMNS": "200",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
