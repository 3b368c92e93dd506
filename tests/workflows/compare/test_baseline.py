"""What is worse than in an earlier comparison, as facts; and which files are no baseline."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from npu_adapt.errors import ExitCode, SummaryUnreadable, UsageError
from npu_adapt.records import ArithmeticFound, Compare, Fact, Summary, encode
from npu_adapt.workflows.compare.baseline import against_baseline, read_baseline
from tests.report.summaries import SUCCESS

THEN = Path("then.json")


def now(**compare: Any) -> Summary:
    """The successful summary with other figures of its comparison."""
    return replace(SUCCESS, compare=replace(section(), **compare))


def section() -> Compare:
    assert SUCCESS.compare is not None
    return SUCCESS.compare


def regressions(after: Summary) -> tuple[Fact, ...]:
    return against_baseline(SUCCESS, after, THEN).regressions


def test_the_same_figures_are_no_worse() -> None:
    found = against_baseline(SUCCESS, SUCCESS, THEN)
    assert (found.regressions, found.changes, found.path) == ((), (), "then.json")


def test_a_coarser_arithmetic_is_named_with_both() -> None:
    arithmetic = section().arithmetic
    assert arithmetic is not None
    coarser = replace(arithmetic, found=ArithmeticFound(matmul="hf32", conv="hf32", attention="float32"))
    assert regressions(now(arithmetic=coarser)) == (
        Fact("coarser-arithmetic", {"operators": "matmul", "before": "float32", "after": "hf32"}),
    )


@pytest.mark.parametrize(("growth", "is_worse"), [(0.5, False), (1.5, True)])
def test_an_error_may_grow_by_less_than_its_floor(growth: float, is_worse: bool) -> None:
    first, second = section().outputs
    assert first.relative_l2 is not None and first.noise_floor is not None
    error = first.relative_l2 + growth * first.noise_floor
    found = regressions(now(outputs=(replace(first, relative_l2=error), second)))
    larger = {"output": "logits", "before": first.relative_l2, "after": error, "floor": first.noise_floor}
    assert found == ((Fact("larger-error", larger),) if is_worse else ())


def test_an_output_that_is_no_longer_finite_is_worse() -> None:
    first, second = section().outputs
    assert regressions(now(outputs=(replace(first, relative_l2=None), second))) == (
        Fact("no-longer-finite", {"output": "logits"}),
    )


def test_another_first_prediction_is_worse() -> None:
    assert SUCCESS.run is not None
    first, second = SUCCESS.run.predictions
    turned = replace(SUCCESS, run=replace(SUCCESS.run, predictions=(second, first)))
    values = {"sample": 0, "before": first.label, "after": second.label}
    assert regressions(turned) == (Fact("other-prediction", values),)


def test_a_summary_without_a_comparison_is_no_baseline(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_bytes(encode(replace(SUCCESS, compare=None)))
    with pytest.raises(UsageError, match="holds no comparison"):
        read_baseline(path)


def test_a_named_pipe_is_no_baseline(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opened, it would never end
    with pytest.raises(SummaryUnreadable) as caught:
        read_baseline(tmp_path / "pipe")
    assert caught.value.exit_code == ExitCode.USAGE
