"""All contradictions of a sweep: what is counted and grouped, and how each model ended."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.consistency.contradiction import Contradiction, held
from npu_adapt.records.sweep import Sweep, counts_of, groups_of


def sweep_contradictions(sweep: Sweep) -> Iterator[Contradiction]:
    """Every field that is not what it derives from; nothing for what npu-adapt wrote."""
    yield from held("counts", sweep.counts, counts_of(sweep.rows), "rows")
    yield from held("groups", sweep.groups, groups_of(sweep.rows), "rows")
    names = [row.name for row in sweep.rows]
    yield from held("rows", len(names), len(set(names)), "their names")
    for at, row in enumerate(sweep.rows):
        failed = row.cause is not None
        yield from held(f"rows.{at}.status", row.status == "passed", not failed, f"rows.{at}.cause")
        ended_badly = any(step.exit_code != 0 for step in row.steps)
        if ended_badly and not failed:
            yield Contradiction(f"rows.{at}.cause", None, "a cause", f"rows.{at}.steps")
        if row.figures.right is False and not failed:
            yield Contradiction(f"rows.{at}.status", row.status, "failed", f"rows.{at}.figures.right")
