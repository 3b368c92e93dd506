"""Reports in the manner of published ones, each with its known defects: all found, and nothing else."""

from __future__ import annotations

import time
from typing import get_args

import pytest

from npu_adapt.claims.audit import audit_text
from npu_adapt.claims.finding import NATURES, FindingId
from npu_adapt.claims.text import decoded
from npu_adapt.records import Fact
from npu_adapt.report.explanations import known_ids
from npu_adapt.report.phrases import PHRASES, Language
from npu_adapt.report.phrases.facts import words
from npu_adapt.workflows.audit.findings import OwnId
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


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_finding_can_be_said_in_both_languages(folder: str) -> None:
    for path in sorted((TEXTS / folder).glob("*.md")):
        for each in audit_text(path.read_text(encoding="utf-8")):
            for language in get_args(Language):
                assert words("audit", Fact(each.id, each.values), language)


def test_every_id_has_its_nature_words_and_article() -> None:
    ids = {*get_args(FindingId), *get_args(OwnId)}
    assert NATURES.keys() == set(get_args(FindingId))
    assert {f"audit-{name}" for name in ids} <= PHRASES.keys()
    assert ids <= set(known_ids())


def test_a_series_of_cases_is_no_contradiction_and_a_long_line_costs_little() -> None:
    cases = "".join(
        f"Latency of picture {name} is {at}.25 ms, cosine 0.99{at}.\n\n" for at, name in enumerate("abcdefgh")
    )
    assert [each for each in audit_text(f"# NPU\n\n{cases}") if each.id == "two-values"] == []
    started = time.process_time()
    audit_text(decoded(b"# NPU\n\n" + b"a" * 300_000 + b" 3 ms"))
    assert time.process_time() - started < 10
