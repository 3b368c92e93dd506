"""A disk that is full stops a sweep, which says so and goes on from there; no model is blamed for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.commands import CONSOLE_SCRIPT
from tests.hub import small_disk
from tests.hub.small_disk import Step, run_on_small_disk

READ = "import pathlib, sys; print(pathlib.Path(sys.argv[1]).read_text())"


@pytest.mark.skipif(small_disk.namespace() is None, reason="this machine gives no mount namespace (unshare --mount)")
def test_a_full_disk_stops_the_sweep_and_it_goes_on_when_there_is_room(tmp_path: Path) -> None:
    listed = tmp_path / "list.yaml"
    listed.write_text(json.dumps([{"model": "builtin:digits-vit", "name": f"m{number}"} for number in range(16)]))
    disk = tmp_path / "disk"
    run = (str(CONSOLE_SCRIPT), "sweep", "--logs", str(disk), "--devices", "cpu", "--quiet")
    first = Step((*run, "--from", str(listed), "--run", "fetch", "--name", "x"), 120_000)
    again = Step((*run, "--resume", "x"))
    record = Step((sys.executable, "-c", READ, str(disk / "sweeps" / "x" / "sweep.json")))
    environment = {"NPU_ADAPT_CACHE": str(tmp_path / "cache")}
    full, resumed, read = run_on_small_disk(disk, [first, again, record], environment)
    said = " ".join(full.stderr.split())
    assert full.code == 2 and "No space left" in said and "npu-adapt sweep --resume x" in said, full
    assert "Traceback" not in said
    assert resumed.code == 0, resumed.stderr
    assert json.loads(read.stdout)["counts"] == {"passed": 16, "failed": 0, "not_run": 0}
