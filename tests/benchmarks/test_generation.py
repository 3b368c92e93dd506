"""A sample of the benchmark: each kind of fault in decoding, on tiny models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from random import Random

import pytest
import torch

from npu_adapt.workflows.generate.text import Text, given
from tests.benchmarks.generation import correct_run, faulty_run
from tests.benchmarks.generation_cases import SUBJECTS, Case, device_of
from tests.benchmarks.generation_faults import Decoding, Kind
from tests.benchmarks.generation_kinds import BLOCK, KINDS
from tests.benchmarks.generation_prompts import PROMPTS
from tests.benchmarks.verdict_devices import correct_forms

ROTARY = {"wrong rotary at long positions"}
OF_AN_ENCODER = {kind.name for kind in KINDS if kind.name.startswith("encoder")}
# What cannot happen in them: the first turns positions and has no encoder, the others have tables of positions.
ABSENT = {
    "tiny llama, float32": OF_AN_ENCODER,
    "tiny BART, float32": ROTARY,  # attends by a fused operator
    "tiny T5, float32": ROTARY,  # attends by products and a softmax
}
FORM = next(form for form in correct_forms() if form.name == "hf32, flash attention")

Written = Callable[[str], tuple[Case, Text]]


@pytest.fixture(scope="module")
def written() -> Written:
    """A model by its name, and a text of it on a correct device, which raises no alarm."""

    @cache
    def made(name: str) -> tuple[Case, Text]:
        subject = next(subject for subject in SUBJECTS if subject.name == name)
        case = Case.of(replace(subject, tokens=BLOCK + 2), range(1, 2))  # so many that an edge is among them
        run, text = correct_run(case, FORM, 0)
        assert not run.alarm and run.faults == 0
        return case, text

    return made


def test_there_are_two_hundred_prompts() -> None:
    assert len(set(PROMPTS)) == 200


@pytest.mark.parametrize("name", ABSENT)
def test_only_faults_that_a_model_can_have_are_put_into_it(written: Written, name: str) -> None:
    case, _ = written(name)
    assert {kind for kind, count in case.calls(0).items() if not count} == ABSENT[name]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, id=f"{name}: {kind.name}")
        for name, absent in ABSENT.items()
        for kind in KINDS
        if kind.name not in absent
    ],
)
def test_a_fault_that_strikes_in_decoding_is_caught_and_named(written: Written, name: str, kind: Kind) -> None:
    case, text = written(name)
    run = faulty_run(case, FORM, 0, text, kind, Random(0))
    assert run is not None and run.effect >= 3
    assert run.alarm and run.named_right


def test_a_decoder_has_not_read_alone_when_it_begins_with_a_token_of_its_own(written: Written) -> None:
    case, text = written("tiny BART, float32")
    hidden = next(kind for kind in KINDS if kind.name == "encoder's last position masked away")
    fault = Decoding(hidden, case.loaded.module, 0)
    logits, _ = given(case.device(device_of(FORM, fault)), text.sample)
    assert fault.fired == len(logits) - 1
    assert torch.equal(logits[0], text.found[0]) and not torch.equal(logits[1], text.found[1])
