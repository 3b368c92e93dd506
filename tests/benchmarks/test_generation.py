"""A sample of the benchmark: each kind of fault in decoding, on the tiny model."""

from __future__ import annotations

from random import Random

import pytest

from tests.benchmarks.generation import correct_run, faulty_run
from tests.benchmarks.generation_cases import SUBJECTS, Case
from tests.benchmarks.generation_faults import KINDS, Kind
from tests.benchmarks.generation_prompts import PROMPTS
from tests.benchmarks.verdict_devices import correct_forms


@pytest.fixture(scope="module")
def case() -> Case:
    return Case.of(SUBJECTS[0], range(1))


def test_there_are_two_hundred_prompts() -> None:
    assert len(set(PROMPTS)) == 200


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_fault_that_strikes_in_decoding_is_caught_and_named(case: Case, kind: Kind) -> None:
    form = next(form for form in correct_forms() if form.name == "hf32, flash attention")
    run, text = correct_run(case, form, 0)
    assert not run.alarm and run.faults == 0
    found = [faulty_run(case, form, 0, text, kind, Random(seed)) for seed in range(3)]
    large = [each for each in found if each is not None and each.effect >= 3]
    assert large
    assert all(each.alarm and each.named_right for each in large)
