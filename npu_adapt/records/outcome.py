"""What a whole summary comes to, so that no part of it says success beside another's failure. Pure functions."""

from __future__ import annotations

from npu_adapt.records import Bench, Summary


def status_of(summary: Summary) -> str | None:
    """SUCCESS | FAILED | REHEARSED, as all sections have it; None: nothing was run.

    FAILED is a run that did not end, a benchmark without a right row, and on a device a verdict that is "fail". A
    rehearsal stays one whatever its verdict.
    """
    run, compare = summary.run, summary.compare
    if run is None:
        return None
    if run.status == "FAILED" or run.failure is not None or all_wrong(summary.bench):
        return "FAILED"
    if run.status == "SUCCESS" and compare is not None and not compare.verdict.passed:
        return "FAILED"
    return run.status


def all_wrong(bench: Bench | None) -> bool:
    """Whether no row of a benchmark computed what the reference computes."""
    return bench is not None and bool(wrong_rows(bench)) and not any(row.status == "measured" for row in bench.rows)


def wrong_rows(bench: Bench) -> tuple[int, ...]:
    """The rows that were measured and whose output is not the reference's."""
    return tuple(index for index, row in enumerate(bench.rows) if row.status == "wrong")
