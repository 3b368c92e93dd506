"""What goes wrong on a device, each forced: exit code, class, stage, operator, and evidence that is complete."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from npu_adapt.evidence import parse_log_line
from npu_adapt.records import Failure, Run, decode
from tests.commands import Cli

pytestmark = pytest.mark.required


@dataclass(frozen=True)
class Case:
    """How a failure is forced, and what is to be said of it."""

    variables: dict[str, str]
    kind: str
    stage: str | None  # None: whichever it is in when the time is over
    operator: str | None
    said: tuple[str, ...]
    options: tuple[str, ...] = ()
    model: str | None = None  # a fixture; None: the built-in model


CASES = {
    "operator not supported": Case(
        {"SOFTCANN_FAULTS": "LayerNorm unsupported"},
        "operator-not-supported",
        "forward",
        "aclnnLayerNorm",
        ("EZ3002: Optype [LayerNorm] of Ops kernel is unsupported.",),
    ),
    "out of memory": Case(
        {"SOFTCANN_MEMORY_MIB": "64", "SOFTCANN_FOREIGN_MEMORY_MIB": "28"},
        "out-of-memory",
        "transfer",
        None,
        (" MiB asked for, ", " MiB free of 64.00 MiB"),
        model="minilm",
    ),
    "device lost": Case(
        {"SOFTCANN_FAULTS": "LayerNorm device-lost call=2"},
        "device-lost",
        "forward",
        "aclnnLayerNorm",
        ("error code is 507010",),
    ),
    "time-out": Case(
        {"SOFTCANN_FAULTS": "LayerNorm hang call=2"},
        "timeout",
        None,
        None,
        ("the run was not over after 15 s",),
        ("--timeout", "15"),
    ),
    "aclInit": Case(
        {"SOFTCANN_INIT_ERROR": "507008"}, "initialisation", "initialise", None, ("aclInit, error code is 507008",)
    ),
    "NaN": Case(
        {"SOFTCANN_FAULTS": "LayerNorm nan layer=4"}, "nan-output", "forward", None, ("elements of logits are NaN",)
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_failure_is_classified_and_recorded(
    name: str, cli: Cli, softcann: dict[str, str], request: pytest.FixtureRequest
) -> None:
    case = CASES[name]
    model = request.getfixturevalue(case.model) if case.model else "builtin:digits-vit"
    done = cli("infer", model, "--device", "npu:0", *case.options, environment=softcann | case.variables)

    assert done.code == 6, done.stderr
    shown = " ".join(done.stderr.split())
    assert all(words in shown for words in (*case.said, "next:")), shown

    logs = Path(os.environ["NPU_ADAPT_LOGS"])
    summary = decode((logs / "summary.json").read_bytes(), origin="summary")
    run, failure = failed_run(summary.run)
    stage = case.stage or failure.stage
    assert (failure.kind, failure.stage, failure.operator) == (case.kind, stage, case.operator)
    assert all(words in failure.message for words in case.said)
    events = [parse_log_line(line) for line in (logs / "run_npu.log").read_text().splitlines()]
    (fields,) = [fields for _, _, event, fields in events if event == "failed"]
    assert (fields["stage"], fields["class"]) == (stage, case.kind)
    if case.stage in ("transfer", "forward"):
        assert run.device == "npu:0" and summary.model is not None and summary.weights is not None
        assert summary.weights.files and summary.environment is not None


def failed_run(run: Run | None) -> tuple[Run, Failure]:
    assert run is not None and run.failure is not None
    assert run.status == "FAILED"
    return run, run.failure


def test_nan_fails_a_comparison_as_a_verdict(cli: Cli, softcann: dict[str, str]) -> None:
    faults = {"SOFTCANN_FAULTS": "LayerNorm nan layer=4"}
    done = cli("compare", "--device", "npu:0", "--json", environment=softcann | faults)
    assert done.code == 3, done.stderr
    compare = decode(done.stdout.encode(), origin="stdout").compare
    assert compare is not None and not compare.verdict.passed
    assert any(output.nan_mismatches for output in compare.outputs)
