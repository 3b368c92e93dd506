"""Tiny models of the task table compiled by one back end: how many pass, or how many show a planted miscompilation.

`python -m tests.benchmarks.verdict_modes [--compiler aot_eager] [--dtype float32] [--models vit,llama]`; the compiler
is one of torch's (`inductor`), or a fault of `tests.compilers`. A fault that a model does not call changes nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from npu_adapt.devices.hiding import unopened_extensions_hidden
from npu_adapt.progress import Silent
from npu_adapt.records import ModeOutcome
from npu_adapt.workflows.compare.command import compare
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.run.request import RunRequest
from tests.compilers import compiling_with
from tests.models.tiny_models import MAKERS


def outcome(name: str, folder: Path, compiler: str, dtype: Any) -> tuple[bool, ModeOutcome]:
    """Whether the whole passes, and what compiling came to."""
    torch.manual_seed(0)
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
    with compiling_with(compiler), unopened_extensions_hidden():
        section = compare(request, CompareOptions(mode=("compile",)), Silent()).compare
    assert section is not None
    return section.verdict.passed, section.modes[0]


def told(found: ModeOutcome) -> str:
    """Status, graphs, and what failed."""
    over = max((each.error_over_floor or 0.0 for check in found.checks for each in check.outputs), default=0.0)
    said = [found.status, f"{over:.2f} floors", f"{found.graphs} graphs", f"{len(found.graph_breaks)} breaks"]
    if found.suspect is not None:
        said.append(f"{found.suspect.module} ({found.suspect.type}), {found.suspect.check}")
    if found.reason is not None:
        said.append(str(dict(found.reason.values))[:200])
    return ", ".join((*said, *(f"{fact.id} {fact.values.get('check', '')}".strip() for fact in found.left_out)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default="aot_eager")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--models", default=",".join(MAKERS))
    asked = parser.parse_args()
    names, passed, ran = asked.models.split(","), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            started = time.perf_counter()
            try:
                all_passed, found = outcome(name, Path(folder), asked.compiler, asked.dtype)
            except Exception as error:  # noqa: BLE001 - one model must not sink the others
                print(f"{name}: {type(error).__name__}: {str(error)[:200]}", flush=True)
                continue
            ran, passed = ran + 1, passed + all_passed
            print(f"{name}: {told(found)} ({time.perf_counter() - started:.1f} s)", flush=True)
    print(
        f"{passed} of {ran} pass with {asked.compiler} in {asked.dtype}; {len(names) - ran} of {len(names)} did not run"
    )


if __name__ == "__main__":
    main()
