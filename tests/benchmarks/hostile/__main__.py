"""Odd and hostile inputs to every reader and every command, counted by how they ended.

    python -m tests.benchmarks.hostile [--seed 15] [--only KIND] [--share 1.0] [--every 1]

Each input runs the console script's own `main` in a forked process, with folders, variables and limits of its own;
what acts when an interpreter starts (encodings, streams) runs as a process from the beginning. A traceback, an exit
code that the contract does not have, a signal and 60 seconds without an end are failures. Exits with 1 where there is
one.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.hostile import running
from tests.benchmarks.hostile.running import CODES, Input, run
from tests.benchmarks.kills import import_everything


def try_all(inputs: Iterator[Input], console: Console | None = None) -> tuple[Counter[int | str], list[str]]:
    """How many ended how, by exit code or fault, and the inputs with a fault, each with the end of what it said."""
    ends: Counter[int | str] = Counter()
    faults = []
    for given in inputs:
        folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        try:
            ended = run(given, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        ends[ended.fault or ended.code or 0] += 1
        if ended.fault:
            faults.append(
                f"{given.name}: {ended.fault}: {given.shell or given.arguments!r:.300}\n{ended.stderr[-1500:]}"
            )
            if console:
                console.print(faults[-1], markup=False, highlight=False)
    return ends, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--only", default="", help="kinds whose name this regular expression finds")
    parser.add_argument("--share", type=float, default=1.0, help="of the inputs that are drawn")
    parser.add_argument("--every", type=int, default=1, help="try one of so many, of each kind")
    parser.add_argument(
        "--hangs-after", type=float, default=running.HANGS_AFTER, help="seconds; more on a busy machine"
    )
    asked = parser.parse_args()
    running.HANGS_AFTER = asked.hangs_after
    for name in [name for name in os.environ if name.startswith(("HF_", "MODELSCOPE_", "NPU_ADAPT_", "ASCEND_"))]:
        if name != "NPU_ADAPT_TEST_CACHE":
            del os.environ[name]
    os.environ |= {"OMP_NUM_THREADS": "1", "NPU_ADAPT_LANG": "en", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0"}
    sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]
    import_everything()
    from tests.benchmarks.hostile.kinds import kinds

    console = Console(width=120)
    rows, faults, total = {}, [], Counter[int | str]()
    with tempfile.TemporaryDirectory() as folder, kinds(Path(folder), asked.share) as generators:
        for name, generate in generators.items():
            if not re.search(asked.only, name):
                continue
            began = time.monotonic()
            inputs = generate(random.Random(f"{asked.seed} {name}"))
            ends, wrong = try_all(islice(inputs, 0, None, asked.every), console)
            rows[name] = ends
            total += ends
            faults += wrong
            console.print(f"{name}: {dict(ends)}, {time.monotonic() - began:.0f} s", style="dim", highlight=False)
    console.print(table({**rows, "all": total}))
    return 1 if faults else 0


def table(rows: Mapping[str, Counter[int | str]]) -> Table:
    """Kinds by exit codes; a column for each fault that came."""
    faults = sorted({str(end) for ends in rows.values() for end in ends if end not in CODES})
    shown = Table(title="odd and hostile inputs, by kind and exit code")
    for heading in ("kind", "inputs", *map(str, CODES), *(faults or ["faults"])):
        shown.add_column(heading, justify="left" if heading == "kind" else "right")
    for name, ends in rows.items():
        counts = [ends[code] for code in CODES] + ([ends[fault] for fault in faults] if faults else [0])
        shown.add_row(name, str(ends.total()), *map(str, counts))
    return shown


if __name__ == "__main__":
    sys.exit(main())
