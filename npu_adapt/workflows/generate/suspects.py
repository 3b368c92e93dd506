"""The first operator that fails while a device writes, or while it reads a prompt in another way than alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from npu_adapt.devices.selection import open_device
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.capture import Call, capturing
from npu_adapt.records import OperatorFinding, StepFinding
from npu_adapt.workflows.compare.in_step import run_in_step, wrong_for_its_inputs
from npu_adapt.workflows.generate.text import Text
from npu_adapt.workflows.generate.writing import TOKENS, Steps, writing_along
from npu_adapt.workflows.run.foreign import foreign_forward
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.session import Session

Judged = Callable[[], bool]  # whether the operator that was just called is judged


class _Found(Exception):
    """Ends a forward whose first failing operator is known."""


def suspect_of(
    session: Session, candidate: Side, arithmetic: ArithmeticByClass, texts: Sequence[Text]
) -> StepFinding | None:
    """The first operator that fails in the first text that has a position outside the floor; None: none has.

    Operators of the failing position are looked at first, since judging one takes longer than running it, then those
    before it; where each is right for its inputs, the first whose accumulated error leaves the floor.
    """
    for text in texts:
        if (last := text.first_failing) is not None:
            return _suspect(session, candidate, arithmetic, text, last)
    return None


def _suspect(
    session: Session, candidate: Side, arithmetic: ArithmeticByClass, text: Text, last: int
) -> StepFinding | None:
    found = wrong_while_writing(candidate, arithmetic, text, last)
    if found is not None:
        return found
    side = dataclasses.replace(candidate, task=writing_along(candidate.task))
    far = first_far(session, side, _up_to(text, last), arithmetic)
    return None if far is None else _finding(far, text.number, last)


def wrong_while_writing(candidate: Side, arithmetic: ArithmeticByClass, text: Text, last: int) -> StepFinding | None:
    """The first operator that is wrong for its inputs at position `last`, else before it; None: none is."""
    sample = _up_to(text, last)
    for judged in (range(last, last + 1), range(last)):
        steps = Steps(sample.tensors[TOKENS].to(candidate.device.torch_device))
        side = dataclasses.replace(candidate, task=writing_along(candidate.task, partial(_given, steps)))
        found = first_wrong(side, sample, arithmetic, partial(_is_at, steps, judged))
        if found is not None:
            return _finding(found, text.number, len(steps.scores))
    return None


def _up_to(text: Text, last: int) -> Sample:
    """The prompt with what was written up to position `last`."""
    tensors = {**text.sample.tensors, TOKENS: text.reference.tokens[:, : last + 1]}
    return dataclasses.replace(text.sample, tensors=tensors)


def _given(steps: Steps, _tokens: Tensor) -> Steps:
    return steps


def _is_at(steps: Steps, positions: range) -> bool:
    """Whether what runs now is for the logits of one of the positions."""
    return len(steps.scores) in positions


def _finding(found: OperatorFinding, sample: int, position: int) -> StepFinding:
    return StepFinding(
        sample=sample,
        position=position,
        module=found.module,
        operator=found.operator,
        test=found.test,
        error_over_floor=found.error_over_floor,
    )


def first_wrong(side: Side, sample: Sample, arithmetic: ArithmeticByClass, judged: Judged) -> OperatorFinding | None:
    """The first operator of the device's forward that is wrong for what the device itself gave it; None: none is."""
    found: list[OperatorFinding] = []

    def consume(call: Call) -> None:
        if call.random or not judged():
            return
        with torch._C.DisableTorchFunction():  # what is computed here is the CPU's: no emulation that is entered
            finding = wrong_for_its_inputs(call, arithmetic)
        if finding is not None:
            found.append(finding)
            raise _Found

    try:
        with torch.inference_mode(), side.context(), capturing(side.module, consume):
            side.task.forward(side.module, side.tensors(sample))
    except _Found:
        pass
    return found[0] if found else None


def first_far(session: Session, side: Side, sample: Sample, arithmetic: ArithmeticByClass) -> OperatorFinding | None:
    """The first operator whose accumulated error leaves the floor, both sides in step; None: none does."""
    loaded = session.loaded
    cpu = open_device("cpu", allow_cpu=True).device
    reference = Side(loaded.module, cpu, loaded.dtype, side.task)
    with foreign_forward(side.module, side.device):
        return run_in_step(reference, side, sample, arithmetic, session.progress, search=True).first_divergence
