"""The status of a summary follows from all of its sections."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from npu_adapt.records import Summary
from npu_adapt.records.outcome import Outcome, all_wrong, outcome_of, wrong_rows
from tests.report.summaries import SAMPLES

OUTCOMES = {
    "success": Outcome("SUCCESS"),
    "infer-only": Outcome("SUCCESS"),
    "failed-verdict": Outcome("FAILED", "verdict"),
    "failed-run": Outcome("FAILED", "failure"),
    "rehearsed": Outcome("REHEARSED"),
    "sweep": Outcome("SUCCESS"),
    "wrong-bench": Outcome("FAILED", "wrong-output"),
    "environment-only": Outcome(None),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_of_whole_summaries(name: str) -> None:
    assert outcome_of(SAMPLES[name]()) == OUTCOMES[name]


def with_rows(*statuses: str) -> Summary:
    summary = SAMPLES["sweep"]()
    assert summary.bench is not None
    rows = tuple(replace(summary.bench.rows[1], status=status) for status in statuses)
    return replace(summary, bench=replace(summary.bench, rows=rows))


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        (("wrong",), "wrong-output"),
        (("wrong", "failed"), "wrong-output"),
        (("failed",), "no-row"),
        (("measured", "wrong"), None),
    ],
)
def test_a_benchmark_that_timed_wrong_numbers_is_no_success(rows: tuple[str, ...], cause: str | None) -> None:
    status = "SUCCESS" if cause is None else "FAILED"
    assert outcome_of(with_rows(*rows)) == (status, cause)


def test_a_gate_that_failed_is_no_success() -> None:
    summary = SAMPLES["sweep"]()
    assert summary.bench is not None and summary.bench.gate is not None
    gate = replace(summary.bench.gate, passed=False)
    assert outcome_of(replace(summary, bench=replace(summary.bench, gate=gate))) == ("FAILED", "gate")


def test_a_baseline_that_was_better_is_no_success() -> None:
    summary = SAMPLES["failed-verdict"]()
    assert summary.compare is not None
    passed = replace(summary.compare, verdict=replace(summary.compare.verdict, passed=True))
    assert outcome_of(replace(summary, compare=passed)) == ("FAILED", "baseline")


def test_a_rehearsal_that_failed_stays_a_rehearsal() -> None:
    summary = SAMPLES["rehearsed"]()
    assert summary.compare is not None
    failed = replace(summary.compare, verdict=replace(summary.compare.verdict, passed=False))
    found = outcome_of(replace(summary, compare=failed))
    assert found == ("REHEARSED", "verdict") and found.failed


def test_a_status_that_names_no_failure_is_one() -> None:
    summary = SAMPLES["infer-only"]()
    assert summary.run is not None
    assert outcome_of(replace(summary, run=replace(summary.run, status="FAILED"))) == ("FAILED", "failure")


def test_wrong_rows_beside_right_ones_are_named_and_decide_nothing() -> None:
    bench = SAMPLES["sweep"]().bench
    assert bench is not None and wrong_rows(bench) == (3,) and not all_wrong(bench)
