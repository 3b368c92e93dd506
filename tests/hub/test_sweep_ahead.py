"""Fetching ahead within a budget of disk: what the sweep brought goes when its turn is over, what was here stays."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from npu_adapt.records.sweep import Sweep, decode_sweep
from tests.hub.reader import HubWithReader

BUDGET = "1MB"  # one model of 600 kB at a time


def record(hub: HubWithReader, name: str) -> Sweep:
    return decode_sweep((hub.logs / "sweeps" / name / "sweep.json").read_bytes(), origin=name)


def listed(hub: HubWithReader) -> set[str]:
    return {each["model"] for each in json.loads(hub.npu_adapt("models", "list", "--json").stdout)}


def test_weights_that_the_sweep_fetched_go_and_others_stay(
    hub: HubWithReader, small_model: Path, tmp_path: Path
) -> None:
    large = Path(shutil.copytree(small_model, tmp_path / "large"))
    with (large / "model.safetensors").open("ab") as file:
        file.truncate(3_000_000)
    for name in ("before", "one", "two", "three"):
        hub.serve(f"org/{name}", small_model)
    hub.serve("org/large", large)
    assert hub.npu_adapt("fetch", "org/before").code == 0

    models = ("org/one", "org/large", "org/before", "org/two", "org/nowhere", "org/three")
    done = hub.npu_adapt("sweep", *models, "--devices", "cpu", "--run", "fetch,report", "--disk", BUDGET, "--name", "x")
    assert done.code == 3, done.stderr
    causes = {row.name: row.cause and row.cause.id for row in record(hub, "x").rows}
    assert causes == {
        "org/one": None, "org/large": "disk-budget", "org/before": None, "org/two": None,
        "org/nowhere": "model-not-found", "org/three": None,
    }  # fmt: skip
    assert listed(hub) == {"org/before"}
    weights = [path for path in hub.home.rglob("*.safetensors") if path.resolve().stat().st_size > 100_000]
    assert {str(path).count("before") > 0 for path in weights} == {True}

    kept = hub.npu_adapt(
        "sweep", "org/one", "org/two", "--devices", "cpu", "--run", "fetch", "--disk", "9MB", "--keep-weights"
    )
    assert kept.code == 0, kept.stderr
    assert listed(hub) == {"org/before", "org/one", "org/two"}
