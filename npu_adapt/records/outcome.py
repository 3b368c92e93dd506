"""What a summary comes to: one status that follows from all of its sections, so that none can contradict another."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from npu_adapt.records import Bench, Compare, Run, Summary

Status: TypeAlias = Literal["SUCCESS", "FAILED", "REHEARSED"]
Cause: TypeAlias = Literal["failure", "verdict", "baseline", "wrong-output", "no-row", "gate"]

WRONG_OUTPUT = "wrong-output"  # the warning of a benchmark that timed wrong numbers


class Outcome(NamedTuple):
    """The status of everything together, and what makes it a failure."""

    status: Status | None  # None: nothing was run
    cause: Cause | None = None  # None: nothing failed

    @property
    def failed(self) -> bool:
        """Whether something failed; in a rehearsal the status does not say it."""
        return self.cause is not None


def outcome_of(summary: Summary) -> Outcome:
    """The first thing that failed: the run, then the verdict, then the benchmark. A rehearsal stays one."""
    run = summary.run
    if run is None:
        return Outcome(None)
    cause = _of_run(run) or _of_compare(summary.compare) or _of_bench(summary.bench)
    if cause is None and run.status == "FAILED":
        cause = "failure"
    if run.status == "REHEARSED":
        return Outcome("REHEARSED", cause)
    return Outcome("SUCCESS" if cause is None else "FAILED", cause)


def status_of(summary: Summary) -> Status | None:
    """SUCCESS | FAILED | REHEARSED; None: nothing was run."""
    return outcome_of(summary).status


def _of_run(run: Run) -> Cause | None:
    return None if run.failure is None else "failure"


def _of_compare(compare: Compare | None) -> Cause | None:
    if compare is None:
        return None
    if not compare.verdict.passed:
        return "verdict"
    return "baseline" if compare.baseline is not None and compare.baseline.regressions else None


def _of_bench(bench: Bench | None) -> Cause | None:
    """A benchmark fails where no row computed what the reference computes, or its gate does."""
    if bench is None:
        return None
    if all_wrong(bench):
        return "wrong-output"
    if bench.rows and not _measured(bench):
        return "no-row"
    return "gate" if bench.gate is not None and not bench.gate.passed else None


def all_wrong(bench: Bench) -> bool:
    """Whether a benchmark timed wrong numbers, and no right ones."""
    return not _measured(bench) and bool(wrong_rows(bench) or any(each.id == WRONG_OUTPUT for each in bench.warnings))


def wrong_rows(bench: Bench) -> tuple[int, ...]:
    """The rows that were measured and whose output is not the reference's."""
    return tuple(index for index, row in enumerate(bench.rows) if row.status == "wrong")


def _measured(bench: Bench) -> bool:
    return any(row.status == "measured" for row in bench.rows)
