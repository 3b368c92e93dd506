"""A few hostile inputs of each kind; `python -m tests.benchmarks.hostile` has all of them."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path
from random import Random

import pytest

from tests.benchmarks.hostile.__main__ import try_all
from tests.benchmarks.hostile.kinds import kinds
from tests.benchmarks.kills import import_everything

EACH = 1  # of a kind
COSTLY = (
    "states of sweeps",
    "shortages and names",
    "modes, generation, bundles",
    "switches",
)  # processes from the beginning


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the hub's threads are nobody the child needs
def test_hostile_inputs_end_as_the_contract_says(tmp_path: Path) -> None:
    import_everything()
    with kinds(tmp_path, share=0.02) as generators:
        tried = {name: generate for name, generate in generators.items() if name not in COSTLY}
        ends, faults = try_all(chain(*(islice(generate(Random(name)), EACH) for name, generate in tried.items())))
    assert faults == []
    assert ends.total() == EACH * len(tried)
    assert len(ends) > 2, "they are of many kinds, and so are their ends"
