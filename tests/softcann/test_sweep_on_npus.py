"""A sweep over two NPUs made of software: a crash costs its model only, a lost device is taken out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from npu_adapt.records.sweep import decode_sweep
from tests.commands import Cli

pytestmark = pytest.mark.required
FAULTS = {"loses": "LayerNorm device-lost call=2", "crashes": "LayerNorm crash"}


def test_a_lost_device_is_taken_out_and_a_crash_costs_its_model_only(
    cli: Cli, softcann: dict[str, str], tmp_path: Path
) -> None:
    """One model loses its device, is tried on the other, and loses that too; the other model crashes meanwhile."""
    listed = [
        {"model": "builtin:digits-vit", "name": name, "environment": {"SOFTCANN_FAULTS": fault}}
        for name, fault in FAULTS.items()
    ]
    file, lost = tmp_path / "list.yaml", tmp_path / "lost"
    file.write_text(json.dumps(listed))
    variables = softcann | {"SOFTCANN_DEVICES": "3", "SOFTCANN_LOST_FILE": str(lost)}
    done = cli(
        "sweep", "--from", file, "--devices", "npu:0,npu:2", "--run", "infer", "--retries", "0", "--name", "x",
        "--logs", tmp_path / "logs", environment=variables, timeout=400,
    )  # fmt: skip
    assert done.code == 3, done.stderr
    record = decode_sweep((tmp_path / "logs" / "sweeps" / "x" / "sweep.json").read_bytes(), origin="x")
    causes = {row.name: (row.cause.id, row.cause.subject) for row in record.rows if row.cause}
    assert causes == {"loses": ("device-lost", "aclnnLayerNorm"), "crashes": ("process-crashed", "SIGSEGV")}
    assert sorted(each.placement.device for each in record.lost) == ["npu:0", "npu:2"]
    assert {each.model for each in record.lost} == {"loses"}
    assert sorted(lost.read_text().split()) == ["0", "2"]
    assert done.stderr.count("is taken out: the device was lost with loses") == 2
