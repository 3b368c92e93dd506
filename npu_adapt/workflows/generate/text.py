"""One prompt: both sides write after it, and the device's logits are measured along what the reference wrote."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from npu_adapt.errors import RunFailed, Sentence
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.margins import Flip, as_chosen, flips, margins_over_floor, position_errors
from npu_adapt.numerics.rules import FLOOR_MARGIN
from npu_adapt.numerics.token_rules import TIE_MARGIN
from npu_adapt.workflows.generate.floors import TextFloor
from npu_adapt.workflows.generate.prompts import Prompt
from npu_adapt.workflows.generate.writing import (
    LOGITS,
    SCORES,
    Written,
    along,
    reading_at_once,
    write,
    writing_along,
)
from npu_adapt.workflows.run.forward import Outputs, Side


@dataclass(frozen=True)
class Text:
    """One prompt and all that was measured of what follows it. Logits are on the CPU, [positions, vocabulary]."""

    number: int  # of the sample
    prompt: Prompt
    reference: Written
    candidate_tokens: Tensor  # [1, n] that the device wrote by itself
    found: Tensor  # the device's logits on the reference's tokens, with the cache
    at_once: Tensor  # without it
    floor: TextFloor
    flips: tuple[Flip, ...]
    margins: Tensor  # [positions] between the two best tokens, in floors
    errors: Tensor  # [positions] of `found`, in floors
    cache_errors: Tensor  # [positions] between `found` and `at_once`, in floors

    @property
    def sample(self) -> Sample:
        """The prompt with what the reference wrote after it."""
        return along(self.prompt.sample, self.reference)

    @property
    def first_failing(self) -> int | None:
        """The first position outside the floor; None: there is none."""
        within = (self.errors <= FLOOR_MARGIN) & (self.cache_errors <= FLOOR_MARGIN)
        far = (~within).nonzero().flatten().tolist()
        faults = [flip.position for flip in self.flips if not flip.over_floor <= TIE_MARGIN]
        return min([*far, *faults], default=None)


def reference_text(reference: Side, prompt: Prompt) -> Written:
    """What the reference writes, with its logits at each position, those of a search with beams too."""
    expected = write(reference, prompt.sample)
    if expected.logits.numel():
        return expected
    logits, scores = given(reference, along(prompt.sample, expected))
    return dataclasses.replace(expected, logits=logits, scores=scores)


def measure_text(number: int, prompt: Prompt, expected: Written, candidate: Side, floor: TextFloor) -> Text:
    """The device writes freely; where it parts from the reference, or searches with beams, along its tokens too."""
    own = write(candidate, prompt.sample)
    sample = along(prompt.sample, expected)
    same = torch.equal(own.tokens, expected.tokens) and own.logits.shape == expected.logits.shape
    found, scores = (own.logits, own.scores) if same else given(candidate, sample)
    once = dataclasses.replace(candidate, task=reading_at_once(candidate.task))
    at_once = _on_cpu(once.call(once.tensors(sample)))[LOGITS]
    for each in (found, at_once):
        _require_shape(each, expected.logits)
    return judged_text(number, prompt, expected, own.tokens, found, scores, at_once, floor)


def judged_text(
    number: int,
    prompt: Prompt,
    expected: Written,
    tokens: Tensor,
    found: Tensor,
    scores: Tensor,
    at_once: Tensor,
    floor: TextFloor,
) -> Text:
    """The text with its flips, margins and errors, from the device's `tokens`, and its logits on the reference's."""
    truth = floor.truth[LOGITS]
    exact = as_chosen(truth, expected.logits, expected.scores)
    return Text(
        number=number,
        prompt=prompt,
        reference=expected,
        candidate_tokens=tokens,
        found=found,
        at_once=at_once,
        floor=floor,
        flips=flips(expected.scores, scores, exact, floor.margins),
        margins=margins_over_floor(exact, floor.margins),
        errors=position_errors(found, truth) / floor.positions,
        cache_errors=position_errors(found, at_once) / floor.positions,
    )


def given(side: Side, sample: Sample) -> tuple[Tensor, Tensor]:
    """Logits and scores of the side along the sample's tokens."""
    forced = dataclasses.replace(side, task=writing_along(side.task))
    outputs = _on_cpu(forced.call(forced.tensors(sample)))
    return outputs[LOGITS], outputs[SCORES]


def _on_cpu(outputs: Outputs) -> Outputs:
    return {name: tensor.to("cpu") for name, tensor in outputs.items()}


def _require_shape(found: Tensor, expected: Tensor) -> None:
    if found.shape != expected.shape:
        raise RunFailed(
            Sentence(
                "the logits of what was written have the shape {found} and not {expected}",
                found=tuple(found.shape),
                expected=tuple(expected.shape),
            ),
            hint="the model's generate does not write token by token; compare without --generate",
            stage="generate",
            kind="other-outputs",
        )
