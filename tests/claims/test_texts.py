"""Reports in the manner of published ones, each with its known defects: all found, and nothing else."""

from __future__ import annotations

import pytest

from tests.claims.scoring import TEXTS, score

FOLDERS = sorted(path.name for path in TEXTS.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS)
def test_at_least_95_percent_is_found_and_at_most_5_percent_is_false(folder: str) -> None:
    scores = score(folder)
    found = sum(each.found for each in scores)
    missed = [(each.name, each.missed) for each in scores if each.missed]
    false = [(each.name, each.false) for each in scores if each.false]
    assert found / (found + sum(len(names) for _, names in missed)) >= 0.95, missed
    assert found / (found + sum(len(names) for _, names in false)) >= 0.95, false


def test_every_fault_of_the_seed_is_found() -> None:
    for each in score("first"):
        if "seed" in each.name:
            assert each.missed == () and each.false == (), each
