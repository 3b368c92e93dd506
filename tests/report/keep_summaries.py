"""Summaries that the tool itself made on real runs, kept in `tests/data/summaries` for the tests of its screens.

`python -m tests.report.keep_summaries [NAME …]` runs the commands and writes them anew; left out: all of them. What is
of the machine that ran them (folders, the kernel's build) is replaced by stand-ins.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from npu_adapt.records import Summary, decode
from tests.commands import CONSOLE_SCRIPT, run_process

FOLDER = Path(__file__).parents[1] / "data" / "summaries"
ROOT = Path(__file__).parents[2]
LARGEST = 60_000  # bytes
KERNEL = re.compile(r"(Linux-\d+\.\d+)[^\"]*-(x86_64|aarch64)")  # "Linux-6.1.0-18-amd64-x86_64-with-glibc2.36"
FAULTS = {"SOFTCANN_FAULTS": "Gelu tanh-formula; Addmm scaled factor=1.03 layer=3", "SOFTCANN_MATMUL": "hf32"}


@dataclass(frozen=True)
class Kept:
    """A command whose summary is kept: its exit code, and what the software NPU is set to; None: it has none."""

    command: tuple[str, ...]
    code: int = 0
    device: Mapping[str, str] | None = None
    before: tuple[str, ...] = ()  # another command that writes into the same summary
    environment: Mapping[str, str] = field(default_factory=dict)


KEPT: dict[str, Kept] = {
    "env": Kept(("env",)),
    "env-npu": Kept(("env",), device={}),
    "infer": Kept(("infer", "--device", "cpu")),
    "bench": Kept(("bench", "--device", "cpu", "--iters", "20")),
    "bench-sweep": Kept(
        ("bench", "--device", "cpu", "--iters", "10", "--batch-size", "1,2,4", "--dtype", "float32,bfloat16")
    ),
    "bench-wrong": Kept(
        ("bench", "--device", "npu:0", "--iters", "10"), 3, {"SOFTCANN_FAULTS": "Addmm scaled factor=2"}
    ),
    "compare": Kept(("compare", "--device", "cpu")),
    "compare-npu": Kept(
        ("compare", "--device", "npu:0"),
        device={"SOFTCANN_MATMUL": "hf32"},
        before=("bench", "--device", "npu:0", "--iters", "20"),
    ),
    "compare-failed": Kept(("compare", "--device", "npu:0"), 3, FAULTS),
    "compare-random": Kept(
        ("compare", "--device", "npu:0"), 3, {"SOFTCANN_FAULTS": "LayerNorm noise size=1e-2 call=12"}
    ),
    "compare-fast": Kept(("compare", "--device", "cpu", "--fast")),
    "rehearsal": Kept(("compare", "--rehearse", "hf32")),
    "rehearsal-failed": Kept(("compare", "--rehearse", "bfloat16", "--rule", "field", "--samples", "2"), 0),
}


def kept(name: str) -> Summary:
    """The kept summary of that name."""
    path = FOLDER / f"{name}.json"
    return decode(path.read_bytes(), origin=str(path))


def command_of(name: str) -> str:
    """The command that made it."""
    return KEPT[name].command[0]


def make(name: str) -> bytes:
    """Runs the command in an empty folder. Returns its summary's bytes, without what is of this machine."""
    from tests.softcann import build
    from tests.softcann.fixtures import environment

    run = KEPT[name]
    cann = build.installation() if run.device is not None else None
    device = {} if cann is None else environment(cann) | dict(run.device or {})
    with tempfile.TemporaryDirectory() as folder:
        own = {"NPU_ADAPT_CACHE": f"{folder}/cache", "NPU_ADAPT_LOGS": None, "TORCH_DEVICE_BACKEND_AUTOLOAD": None}
        for command, code in ((run.before, 0), (run.command, run.code)):
            if command:
                done = run_process([CONSOLE_SCRIPT, *command], cwd=Path(folder), environment=device | own, timeout=400)
                assert done.code == code, done.stdout + done.stderr
        text = (Path(folder) / "logs" / "summary.json").read_text(encoding="utf-8")
    for path, stand_in in ((cann, "/usr/local/Ascend"), (ROOT, "/home/user/npu-adapt"), (folder, "/home/user/work")):
        if path is not None:
            text = text.replace(str(path), stand_in)
    return KERNEL.sub(r"\1-\2", text).encode()


def main(names: list[str]) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    FOLDER.mkdir(exist_ok=True)
    for name in names or KEPT:
        data = make(name)
        assert len(data) < LARGEST, (name, len(data))
        (FOLDER / f"{name}.json").write_bytes(data)
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
