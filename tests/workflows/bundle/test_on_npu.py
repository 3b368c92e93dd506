"""On the software NPU the scripts of a bundle give the record's predictions and errors to the bit."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.commands import Cli, run_process

pytestmark = pytest.mark.required


def test_the_scripts_give_what_the_npu_gave(cli: Cli, softcann: dict[str, str], tmp_path: Path) -> None:
    logs, made = tmp_path / "logs", tmp_path / "bundle"
    ran = cli("compare", "--device", "npu:0", "--fast", "--logs", logs, environment=softcann)
    assert ran.code == 0, ran.stderr
    assert cli("report", "--logs", logs, "--bundle", made).code == 0
    assert "torch_npu==" in (made / "requirements.txt").read_text()
    for place in ("inference.py", "eval/eval_accuracy.py"):
        done = run_process([sys.executable, "-W", "ignore", str(made / place)], environment=softcann, timeout=120)
        assert done.code == 0, done.stderr
    assert json.loads((made / "results" / "inference.json").read_text())["same_as_reported"]
    found = json.loads((made / "results" / "accuracy.json").read_text())
    recorded = json.loads((made / "results" / "compare.json").read_text())
    for name in ("max_abs_diff", "mean_abs_diff", "cosine_similarity", "relative_l2", "top1_match", "top5_match"):
        assert found[name] == recorded[name], name
    assert found["candidate"] == "npu:0, float32"
