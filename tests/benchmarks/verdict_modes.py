"""Tiny models of the task table, compiled or captured: correctly, and with planted miscompilations.

    python -m tests.benchmarks.verdict_modes [--compiler inductor] [--dtype float32] [--models vit,llama]

runs one back end, torch's own or one of `tests.compilers`, on models of the table and says what each comes to.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0", "HF_HUB_OFFLINE": "1"}

import torch

from npu_adapt.devices.hiding import unopened_extensions_hidden
from npu_adapt.progress import Silent
from npu_adapt.records import Compare, ModeOutcome
from npu_adapt.workflows.compare.command import compare
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.run.request import RunRequest
from tests.benchmarks.verdict_runs import LIMIT, Found, Run
from tests.compilers import FAULTS, NAMED_BY, Captured, capturing_with, compiling_with, never_replayed, replayed
from tests.models.tiny_models import MAKERS

PART = "compiled and captured: tiny models of the task table"
MODELS = (
    *((name, "float32") for name in ("vit", "bert-classes", "llama", "t5")),
    *((name, "bfloat16") for name in ("vit", "llama")),
)
COMPILERS = ("correct", "aot_eager", "inductor")
GRAPHS: Mapping[str, Captured] = {"graph": replayed, "graph that keeps its first input": never_replayed}
WAYS = (*COMPILERS, *FAULTS, *GRAPHS)


def compared(name: str, folder: Path, way: str, dtype: Any) -> Compare:
    """A model of the table, compared in the mode that the way is one of."""
    torch.manual_seed(0)
    torch._dynamo.reset()
    with unopened_extensions_hidden():  # transformers looks for torch_npu
        model = MAKERS[name][0](folder / name)
    request = RunRequest(
        command="compare",
        command_line="npu-adapt compare",
        model=str(model),
        device="cpu",
        dtype=dtype,
        logs=folder / f"{name}-logs",
        cache_dir=folder / "cache",
    )
    captured = GRAPHS.get(way)
    on = compiling_with(way) if captured is None else capturing_with(captured)
    mode: Any = ("compile",) if captured is None else ("graph",)
    with on, unopened_extensions_hidden():
        section = compare(request, CompareOptions(mode=mode), Silent()).compare
    assert section is not None
    return section


def examine(name: str, dtype: str, way: str) -> Found:
    """One model by one compiler; no run where a fault changes nothing of it."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        section = compared(name, Path(folder), way, dtype)
    found = section.modes[0]
    outputs = [output for check in found.checks for output in check.outputs]
    moved = [(output.relative_l2 or 0.0) / output.noise_floor for output in outputs if output.noise_floor]
    over_floor = max((output.error_over_floor or 0.0 for output in outputs), default=0.0)
    fault = "" if way in COMPILERS or way == "graph" else way
    alarms = {"end to end": over_floor > LIMIT, "combination": not section.verdict.passed}
    right = None
    if fault and found.suspect is not None:
        right = found.suspect.type in NAMED_BY[fault] if fault in NAMED_BY else found.suspect.module != ""
    run = Run(
        PART, name, f"{dtype}, {way}", fault, "miscompiled" if fault else "", max(moved, default=0.0) if fault else 0.0,
        alarms, over_floor, right, told(found),
    )  # fmt: skip
    changes = not fault or run.effect > 0
    return Found((run,) if changes else (), seconds=time.perf_counter() - started)


def told(found: ModeOutcome) -> str:
    """Status, graphs, and what failed."""
    over = max((each.error_over_floor or 0.0 for check in found.checks for each in check.outputs), default=0.0)
    said = [found.status, f"{over:.2f} floors", f"{found.graphs} graphs", f"{len(found.graph_breaks)} breaks"]
    if found.suspect is not None:
        said.append(f"{found.suspect.module} ({found.suspect.type}), {found.suspect.check}")
    if found.reason is not None:
        said.append(str(dict(found.reason.values))[:200])
    return ", ".join((*said, *(f"{fact.id} {fact.values.get('check', '')}".strip() for fact in found.left_out)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="aot_eager", help="one of torch's, or a way of this benchmark")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--models", default=",".join(MAKERS))
    asked = parser.parse_args()
    names, passed, ran = asked.models.split(","), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            started = time.perf_counter()
            try:
                section = compared(name, Path(folder), asked.compiler, asked.dtype)
            except Exception as error:  # noqa: BLE001 - one model must not sink the others
                print(f"{name}: {type(error).__name__}: {str(error)[:200]}", flush=True)
                continue
            ran, passed = ran + 1, passed + section.verdict.passed
            print(f"{name}: {told(section.modes[0])} ({time.perf_counter() - started:.1f} s)", flush=True)
    print(f"{passed} of {ran} pass with {asked.compiler} in {asked.dtype}; {len(names) - ran} did not run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
