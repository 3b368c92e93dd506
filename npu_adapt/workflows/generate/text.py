"""One prompt: both sides write after it, and the device's logits are measured along what the reference wrote."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from npu_adapt.errors import RunFailed, Sentence
from npu_adapt.models.tasks import LoadedModel, Sample
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.margins import Flip, as_chosen, flips, margins_over_floor, position_errors
from npu_adapt.numerics.rules import FLOOR_MARGIN
from npu_adapt.progress import Step
from npu_adapt.workflows.generate.floors import TextFloor, floor_of_text
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

    @property
    def sample(self) -> Sample:
        """The prompt with what the reference wrote after it."""
        return along(self.prompt.sample, self.reference)

    @property
    def first_failing(self) -> int | None:
        """The first position outside the floor; None: there is none."""
        far = (~(self.errors <= FLOOR_MARGIN)).nonzero().flatten().tolist()
        faults = [flip.position for flip in self.flips if not flip.over_floor <= FLOOR_MARGIN]
        return min([*far, *faults], default=None)


def measure_text(
    loaded: LoadedModel,
    number: int,
    prompt: Prompt,
    reference: Side,
    candidate: Side,
    arithmetic: ArithmeticByClass,
    step: Step,
) -> Text:
    """Both sides write freely; where they part, or search with beams, the device writes the reference's tokens too."""
    expected = write(reference, prompt.sample)
    step.advance(1)
    if not expected.logits.numel():
        expected = dataclasses.replace(expected, **_given(reference, along(prompt.sample, expected)))
    own = write(candidate, prompt.sample)
    step.advance(1)
    sample = along(prompt.sample, expected)
    same = torch.equal(own.tokens, expected.tokens) and own.logits.shape == expected.logits.shape
    found = {"logits": own.logits, "scores": own.scores} if same else _given(candidate, sample)
    once = dataclasses.replace(candidate, task=reading_at_once(candidate.task))
    at_once = _on_cpu(once.call(once.tensors(sample)))[LOGITS]
    step.advance(1)
    for each in (found["logits"], at_once):
        _require_shape(each, expected.logits)
    floor = floor_of_text(loaded, sample, found["logits"], arithmetic, step)
    truth = floor.truth[LOGITS]
    exact = as_chosen(truth, expected.logits, expected.scores)
    return Text(
        number=number,
        prompt=prompt,
        reference=expected,
        candidate_tokens=own.tokens,
        found=found["logits"],
        at_once=at_once,
        floor=floor,
        flips=flips(expected.tokens[0], found["scores"], exact, floor.positions),
        margins=margins_over_floor(exact, floor.positions),
        errors=position_errors(found["logits"], truth) / floor.positions,
    )


def _given(side: Side, sample: Sample) -> dict[str, Tensor]:
    """Logits and scores of the side along the sample's tokens."""
    forced = dataclasses.replace(side, task=writing_along(side.task))
    outputs = _on_cpu(forced.call(forced.tensors(sample)))
    return {"logits": outputs[LOGITS], "scores": outputs[SCORES]}


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
