"""Every adapter below `files/` judged on a device: a script that prints what came of each, as JSON.

    python -m tests.adapters.judge DEVICE [MODEL …]

MODEL -> the verdict, the terms that do not hold and what ran on the CPU instead; or the failure. One process does it
all, since most of the time goes to imports.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from npu_adapt.errors import NpuAdaptError, RunFailed
from npu_adapt.progress import Silent
from tests.adapters.make import FILES, MODELS, weights_of


def judged(model: str, device: str, folder: Path, dtype: Any = "auto") -> dict[str, Any]:
    """What `npu-adapt compare` makes of the adapter."""
    from npu_adapt.workflows.compare.command import CompareOptions, compare
    from npu_adapt.workflows.run.request import RunRequest

    file = model.partition(":")[0]
    request = RunRequest(
        command="compare",
        command_line=f"npu-adapt compare {model} --device {device}",
        model=str(FILES / model),
        weights=weights_of(file, folder),
        device=device,
        dtype=dtype,
        logs=folder / f"{file}-logs",
        cache_dir=folder / "cache",
    )
    try:
        summary = compare(request, CompareOptions(), Silent())
    except NpuAdaptError as error:
        operator = error.operator if isinstance(error, RunFailed) else None
        return {"failure": error.kind, "operator": operator, "message": error.message}
    assert summary.compare is not None and summary.run is not None and summary.weights is not None
    failing = [each for each in summary.compare.verdict.terms if not each.holds]
    return {
        "passed": summary.compare.verdict.passed,
        "terms": [(each.id, each.place, each.value) for each in failing],
        "outputs": [each.name for each in summary.compare.outputs],
        "inputs": [each.name for each in summary.run.inputs],
        "proven": summary.weights.proven_parameters,
        "fallbacks": summary.run.cpu_fallbacks,
        "judged": summary.compare.operators_judged,
    }


def main(device: str, models: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps({model: judged(model, device, Path(scratch)) for model in models or MODELS}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
