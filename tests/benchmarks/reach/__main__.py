"""Makes a tiny model of every model type in transformers' AutoModel tables, and has the tool judge it.

    python -m tests.benchmarks.reach [--only TYPE]... [--limit N] [--every N [--offset K]] [--jobs N] [--results FILE]

Each model runs in a worker process with a time limit. Outcomes are kept in FILE, one line each: run again, it goes on.
Exits with 1 where anything is wrong or fewer than 90 % are judged.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.benchmarks.reach.pool import run_pool, work
from tests.benchmarks.reach.table import read_outcomes, show

GOAL = 0.9


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="TYPE")
    parser.add_argument("--limit", type=int, help="at most so many types")
    parser.add_argument("--every", type=int, default=1, help="each Nth type only: an even sample")
    parser.add_argument("--offset", type=int, default=0, help="the first of them: another sample")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("reach.jsonl"))
    parser.add_argument("--again", action="store_true", help="also what is in FILE, but for what was judged")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work()
        return 0
    known = {outcome.model_type: outcome for outcome in read_outcomes(options.results)}
    done = {name for name, outcome in known.items() if outcome.verdict == "judged" or not options.again}
    run_pool(_chosen(options, done), options.jobs, options.results)
    outcomes = read_outcomes(options.results)
    show(outcomes)
    judged = sum(outcome.verdict == "judged" for outcome in outcomes)
    wrong = any(outcome.verdict == "wrong" for outcome in outcomes)
    return int(wrong or judged < GOAL * len(outcomes))


def _chosen(options: argparse.Namespace, done: set[str]) -> list[str]:
    from npu_adapt.devices.hiding import unopened_extensions_hidden

    with unopened_extensions_hidden():
        from tests.benchmarks.reach.heads import heads

        names = [head.model_type for head in heads()]
    chosen = options.only or names[options.offset :: options.every]
    return [name for name in chosen if name not in done or name in options.only][: options.limit]


if __name__ == "__main__":
    sys.exit(main())
