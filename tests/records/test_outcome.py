"""One status from all sections."""

from __future__ import annotations

from msgspec.structs import replace

from npu_adapt.records import Summary
from npu_adapt.records.outcome import all_wrong, status_of, wrong_rows
from tests.report.summaries import SAMPLES


def of(name: str) -> Summary:
    return SAMPLES[name]()


def test_a_run_whose_sections_are_all_well_is_a_success() -> None:
    assert status_of(of("success")) == status_of(of("infer-only")) == status_of(of("bench-only")) == "SUCCESS"


def test_a_failed_run_is_failed_and_no_run_has_no_status() -> None:
    assert status_of(of("failed-run")) == "FAILED"
    assert status_of(of("environment-only")) is None


def test_a_verdict_that_is_fail_is_no_success() -> None:
    assert status_of(of("failed-verdict")) == "FAILED"


def test_a_rehearsal_stays_one_whatever_its_verdict() -> None:
    summary = of("rehearsed")
    assert summary.compare is not None
    failed = replace(summary.compare, verdict=replace(summary.compare.verdict, passed=False))
    assert status_of(summary) == status_of(replace(summary, compare=failed)) == "REHEARSED"


def test_a_benchmark_without_a_right_row_is_no_success_though_the_run_says_so() -> None:
    summary = of("wrong-bench")
    assert summary.run is not None and all_wrong(summary.bench)
    assert status_of(replace(summary, run=replace(summary.run, status="SUCCESS"))) == "FAILED"


def test_one_right_row_is_enough() -> None:
    summary = of("sweep")
    assert summary.bench is not None and wrong_rows(summary.bench) == (3,)
    assert not all_wrong(summary.bench) and status_of(summary) == "SUCCESS"
    assert not all_wrong(None)
