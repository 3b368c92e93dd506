"""Every row of the task table on the software NPU: right as it is, and found wrong where an operator is."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run_process
from tests.softcann.task_models import ANOTHER_LENGTH, BLOCKED, DTYPES, ON_NPU, attentions

pytestmark = pytest.mark.required

# Relative L2 against the CPU's float32, of models whose weights are random: what the type resolves, some layers deep.
BOUNDS = {"float32": 1e-5, "float16": 5e-3, "bfloat16": 5e-2}


def run(softcann: Mapping[str, str], what: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.softcann.task_models", what]
    done = run_process(command, environment=softcann, timeout=400)
    assert done.code == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="session")
def correct(softcann: dict[str, str]) -> dict[str, Any]:
    """What a correct device gives."""
    return run(softcann, "correct")


@pytest.fixture(scope="session")
def distances(correct: dict[str, Any]) -> dict[str, float | str]:
    return dict(correct["distances"])


RUNS = [(name, attention) for name in ON_NPU for attention in attentions(name)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "attention"), [run for run in RUNS if run[0] not in BLOCKED])
def test_a_task_gives_what_the_cpu_gives(
    name: str, dtype: str, attention: str, distances: dict[str, float | str]
) -> None:
    distance = distances[f"{name} {dtype} {attention}"]
    assert isinstance(distance, float), distance
    assert distance < BOUNDS[dtype]


@pytest.mark.parametrize("name", BLOCKED)
def test_what_blocks_a_task_is_named(name: str, distances: dict[str, float | str]) -> None:
    assert BLOCKED[name] in str(distances[f"{name} float32 auto"])


@pytest.mark.parametrize("name", BLOCKED)
def test_the_command_names_what_blocks_a_task_on_one_screen(name: str, correct: dict[str, Any]) -> None:
    shown = correct["screens"][name]
    assert shown["code"] == 6
    assert BLOCKED[name] in "".join(shown["lines"])
    assert len(shown["lines"]) <= 24


def test_a_quantised_model_is_dequantised_there_and_writes_the_same(correct: dict[str, Any]) -> None:
    assert correct["quantised"] == {"passed": True, "dequantised wrongly": 0, "tokens": [4, 4]}


@pytest.fixture(scope="session")
def judged(softcann: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """The verdicts of a device that leaves out the last products of every linear layer, and the log of that."""
    log = tmp_path_factory.mktemp("faults") / "log"
    faults = {"SOFTCANN_FAULTS": "Addmm|Mm|Matmul no-tail", "SOFTCANN_FAULT_LOG": str(log)}
    return run(softcann | faults, "verdicts"), log


@pytest.mark.parametrize("name", [name for name in ON_NPU if name not in (*BLOCKED, *ANOTHER_LENGTH)])
def test_a_wrong_operator_fails_the_task(name: str, judged: tuple[dict[str, Any], Path]) -> None:
    verdicts, log = judged
    assert "fault=no-tail" in log.read_text()
    assert not verdicts[name]["passed"], verdicts[name]["terms"]
    assert verdicts[name]["suspect"] == "linear"
