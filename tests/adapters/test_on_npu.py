"""Adapters of every kind on the software NPU: judged, or stopped by an operator that is named."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.adapters.make import MODELS
from tests.commands import run_process

pytestmark = pytest.mark.required

OUTPUTS = {
    "resnet.py": ["class_scores"],
    "detector.py": [f"output.{picture}.{name}" for picture in range(2) for name in ("boxes", "labels", "scores")],
    "recurrent.py": ["output.0", "output.1.0", "output.1.1"],
    "fourier.py": ["field", "spectrum"],
    "unet.py": ["sample"],
}
# What the software CANN lacks. torch_npu computes an LSTM's cell by one operator of its own.
BLOCKED = {"recurrent.py": "DynamicRNNV2"}


@pytest.fixture(scope="module")
def on_npu(softcann: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.adapters.judge", "npu:0"]
    done = run_process(command, environment=softcann, timeout=400)
    assert done.code == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("model", MODELS)
def test_an_adapter_is_judged_or_its_operator_is_named(model: str, on_npu: dict[str, Any]) -> None:
    found = on_npu[model]
    if model in BLOCKED:
        assert (found["failure"], found["operator"]) == ("operator-not-supported", BLOCKED[model])
        return
    assert found["passed"], found
    assert (found["outputs"], found["fallbacks"]) == (OUTPUTS[model], [])
    assert found["proven"] and found["judged"]


def test_a_recurrent_net_is_judged_where_its_operator_is_there(tmp_path: Any) -> None:
    from tests.adapters.judge import judged

    found = judged("recurrent.py", "cpu", tmp_path)
    assert found["passed"] and found["outputs"] == OUTPUTS["recurrent.py"]
    assert found["inputs"] == ["x", "state.0", "state.1"]
    keeping = judged("recurrent.py:keeping", "cpu", tmp_path)
    assert not keeping["passed"] and keeping["terms"][0][0] == "stateful-forward"
