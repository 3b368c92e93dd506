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
# What cannot happen in them: a llama turns positions and has no encoder, the others have tables of positions.
ABSENT = {
    "tiny llama, float32": OF_AN_ENCODER,
    "tiny BART, float32": ROTARY,  # attends by a fused operator
    "tiny T5, float32": ROTARY,  # by products and a softmax, with a bias for each distance
    "tiny Whisper, float32": ROTARY,  # picks its positions by an index
    "tiny Marian, bfloat16": ROTARY,
    "tiny TrOCR, bfloat16": ROTARY,  # attends with heads as rows of a batch
}
STRUCK = ("tiny llama, float32", "tiny BART, float32", "tiny T5, float32")
FORM = next(form for form in correct_forms() if form.name == "hf32, flash attention")

Written = Callable[[str], tuple[Case, Text]]


def case_of(name: str) -> Case:
    """A model with one of its prompts, after which it writes so many tokens that a block's edge is among them."""
    subject = next(subject for subject in SUBJECTS if subject.name == name)
    return Case.of(replace(subject, tokens=BLOCK + 2), range(1, 2))


@pytest.fixture(scope="module")
def written() -> Written:
    """A model by its name, and a text of it on a correct device, which raises no alarm."""

    @cache
    def made(name: str) -> tuple[Case, Text]:
        case = case_of(name)
        run, text = correct_run(case, FORM, 0)
        assert not run.alarm and run.faults == 0
        return case, text

    return made


def test_there_are_two_hundred_prompts() -> None:
    assert len(set(PROMPTS)) == 200


@pytest.mark.parametrize("name", ABSENT)
def test_only_faults_that_a_model_can_have_are_put_into_it(name: str) -> None:
    calls = case_of(name).calls(0)
    assert {kind for kind, count in calls.items() if not count} == ABSENT[name]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, id=f"{name}: {kind.name}")
        for name in STRUCK
        for kind in KINDS
        if kind.name not in ABSENT[name]
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
