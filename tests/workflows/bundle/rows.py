"""A bundle for each row of the task table, its scripts run on a device: prints what came of each, as JSON.

    python -m tests.workflows.bundle.rows DEVICE [NAME …] [--into FOLDER]

NAME is a tiny model, or an adapter of tests/adapters/files. NAME -> the figures of its scripts that are not the
record's. One process does it all, since most of the time goes to imports.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import msgspec
import torch

from npu_adapt.errors import NpuAdaptError
from npu_adapt.evidence import Logs
from npu_adapt.progress import Silent
from npu_adapt.records import Summary
from npu_adapt.workflows.bundle.command import bundle
from npu_adapt.workflows.compare.command import CompareOptions, compare
from npu_adapt.workflows.run.request import RunRequest
from tests.adapters.make import FILES, weights_of
from tests.adapters.make import MODELS as ADAPTERS
from tests.models.tiny_models import MAKERS

METRICS = ("max_abs_diff", "mean_abs_diff", "cosine_similarity", "relative_l2", "top1_match", "top5_match")


def first_of_each_row() -> dict[str, str]:
    """A tiny model of each row of the task table: row -> its name."""
    found: dict[str, str] = {}
    for name, (_, row, *_) in MAKERS.items():
        found.setdefault(row, name)
    return found


def written(folder: Path, name: str, device: str) -> tuple[Path, Summary]:
    """The bundle of a comparison of that model on the device, and the record."""
    torch.manual_seed(0)
    logs, made = folder / f"{name}-logs", folder / f"{name}-bundle"
    weights = weights_of(name, folder) if name in ADAPTERS else None
    model = FILES / name if weights is not None else MAKERS[name][0](folder / name)
    request = RunRequest(
        command="compare", command_line=f"npu-adapt compare {model} --device {device}", model=str(model),
        weights=weights, device=device, logs=logs, cache_dir=folder / "cache",
    )  # fmt: skip
    summary = compare(request, CompareOptions(fast=True), Silent())
    bundle(summary, Logs(logs), made, "contest", "en")
    return made, summary


def script(folder: Path, place: str, *options: str) -> dict[str, Any]:
    """What the script's `main` returns, run in this process."""
    sys.modules.pop("inference", None)
    before = [*sys.path]
    try:
        result: dict[str, Any] = runpy.run_path(str(folder / place))["main"](options)
    finally:
        sys.path[:] = before
    return result


def differing(made: Path, summary: Summary) -> dict[str, Any]:
    """The figures of the scripts that are not those of the record, each with both."""
    assert summary.run is not None and summary.compare is not None
    ran, judged = script(made, "inference.py"), script(made, "eval/eval_accuracy.py")
    digests = [digest for sample in ran["inputs"] for digest in sample.values()]
    pairs = {
        "inputs": (digests, [info.sha256 for info in summary.run.inputs]),
        "outputs": (ran["outputs"], {each.name: list(each.shape) for each in summary.run.outputs}),
        "predictions": (ran["predictions"], msgspec.to_builtins(list(summary.run.predictions))),
        "same_as_reported": (ran["same_as_reported"], True),
        **{name: (judged.get(name), getattr(summary.compare, name)) for name in METRICS},
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def main(given: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("device")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--into", type=Path, help="the folder that keeps the bundles")
    options = parser.parse_intermixed_args(given)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch, redirect_stdout(sys.stderr):
        for name in options.names or [*first_of_each_row().values(), *ADAPTERS]:
            try:
                found[name] = differing(*written(options.into or Path(scratch), name, options.device))
            except NpuAdaptError as error:
                found[name] = {"failure": error.message}
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
