"""kill -9 at a few moments of each command that writes; `python -m tests.benchmarks.kills` has fifty."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from tests.benchmarks.kills import cases, counted, import_everything

MOMENTS = 2


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the hub's threads are nobody the child needs
def test_killed_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_everything()
    monkeypatch.setattr(sys, "argv", sys.argv)
    with cases(tmp_path) as table:
        results = {name: counted(case, MOMENTS, random.Random(7)) for name, case in table.items()}
    assert {name: got for name, got in results.items() if not got.holds} == {}
    assert sum(got.killed for got in results.values()) >= MOMENTS, "most moments fall into the work"
