"""Counts of outcomes, by the table that a model type's class is from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.reach.judging import Outcome

VERDICTS = ("judged", "refused", "wrong", "not made")


def read_outcomes(path: Path) -> tuple[Outcome, ...]:
    """The last outcome of each model type; empty where there is no file."""
    if not path.is_file():
        return ()
    lines = [msgspec.json.decode(line, type=Outcome) for line in path.read_bytes().splitlines() if line.strip()]
    return tuple({outcome.model_type: outcome for outcome in lines}.values())


def show(outcomes: Sequence[Outcome]) -> None:
    """Prints the table, and what was not judged by how often the same was said."""
    tables = sorted({outcome.table for outcome in outcomes})
    print(f"{'':32}" + "".join(f"{verdict:>10}" for verdict in (*VERDICTS, "types")))
    for table in [*tables, None]:
        of_it = [outcome for outcome in outcomes if table is None or outcome.table == table]
        counts = Counter(outcome.verdict for outcome in of_it)
        name = "all" if table is None else table or "(ended)"
        print(f"{name:32}" + "".join(f"{counts[verdict]:>10}" for verdict in VERDICTS) + f"{len(of_it):>10}")
    judged = sum(outcome.verdict == "judged" for outcome in outcomes)
    print(f"judged {judged} of {len(outcomes)} ({100 * judged / max(1, len(outcomes)):.1f} %)")
