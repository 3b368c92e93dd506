"""On the software NPU the scripts of a bundle give the record's predictions and errors to the bit.

`python -m tests.workflows.bundle.rows npu:0` runs a model of each row; here are some of each kind of input.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run_process

pytestmark = pytest.mark.required

NAMES = ("clip", "llama", "whisper", "vits", "layoutlmv3", "resnet.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows")


@pytest.fixture(scope="module")
def on_npu(softcann: dict[str, str], folder: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.workflows.bundle.rows",
        "npu:0",
        *NAMES,
        "--into",
        str(folder),
    ]
    done = run_process(command, environment=softcann, timeout=400)
    assert done.code == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", NAMES)
def test_the_scripts_give_what_the_npu_gave(name: str, on_npu: dict[str, Any]) -> None:
    assert on_npu[name] == {}


def test_a_script_opens_the_npu_by_itself(on_npu: dict[str, Any], folder: Path, softcann: dict[str, str]) -> None:
    made = folder / "resnet.py-bundle"
    assert on_npu["resnet.py"] == {}
    assert "torch_npu==" in (made / "requirements.txt").read_text()
    (made / "results" / "inference.json").unlink()
    done = run_process([sys.executable, "-W", "ignore", str(made / "inference.py")], environment=softcann, timeout=120)
    assert done.code == 0, done.stderr
    found = json.loads((made / "results" / "inference.json").read_text())
    assert (found["device"], found["same_as_reported"]) == ("npu:0", True)
