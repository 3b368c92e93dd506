"""How far correct arithmetic is from the truth at each position of what was written."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from npu_adapt.models.tasks import LoadedModel, Sample
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.emulation import emulate
from npu_adapt.numerics.margins import margin_floors, position_floors
from npu_adapt.numerics.truth import wide_enough
from npu_adapt.progress import Step
from npu_adapt.workflows.compare.floor import Measured, emulations, errors_of, floor_of, forward_of, truth_of
from npu_adapt.workflows.generate.writing import LOGITS, reading_at_once
from npu_adapt.workflows.run.forward import Outputs


@dataclass(frozen=True)
class TextFloor:
    """The truth of one text, and the noise that correct devices show around it. Float64."""

    truth: Outputs  # `LOGITS` [positions, vocabulary]
    positions: Tensor  # [positions] of the logits
    margins: Tensor  # [positions] of the difference of two logits
    floor: float | None  # relative L2 over all positions; None: no emulation is finite

    def measured(self, found: Tensor) -> Measured:
        """Logits [positions, vocabulary] against the truth."""
        return Measured(errors_of({LOGITS: found}, self.truth)[LOGITS], self.floor)


def floor_of_text(
    loaded: LoadedModel, sample: Sample, found: Tensor, arithmetic: ArithmeticByClass, step: Step
) -> TextFloor:
    """Of the text that `sample` carries, read at once: in exact arithmetic a cache changes nothing.

    `found` are the device's logits, whose shape the truth's must be.
    """
    reading = dataclasses.replace(loaded, task=reading_at_once(loaded.task))
    wide = wide_enough(loaded.dtype)
    truth, _ = truth_of(reading, sample, {LOGITS: found}, wide)
    step.advance(1)
    emulated = []
    for variant in emulations(arithmetic, wide.operators, truth, loaded.dtype):
        emulated.append(forward_of(reading, sample, loaded.dtype, emulate(variant)))
        step.advance(1)
    errors = [errors_of(each, truth)[LOGITS] for each in emulated]
    logits, least = [each[LOGITS] for each in emulated], torch.finfo(loaded.dtype).eps / 4
    positions, margins = (make(logits, truth[LOGITS], least) for make in (position_floors, margin_floors))
    return TextFloor(truth, positions, margins, floor_of(errors, loaded.dtype))
