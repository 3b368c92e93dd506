"""The same prompt read in other ways than alone: in a batch with others, padded on either side, and in chunks.

Each way must give the prompt's logits within the noise floor. On a device they seldom have the same bits, since other
shapes take other kernels; that is a fact and no fault.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor

from npu_adapt.models.tasks import LoadedModel, Outputs, Sample
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.emulation import emulate
from npu_adapt.numerics.rules import FLOOR_MARGIN
from npu_adapt.numerics.token_rules import is_outside
from npu_adapt.numerics.truth import wide_enough
from npu_adapt.records import Fact, Invariance, OperatorFinding
from npu_adapt.workflows.compare.floor import Measured, emulations, errors_of, floor_of, forward_of, truth_of
from npu_adapt.workflows.generate.facts import setting
from npu_adapt.workflows.generate.plan import Plan
from npu_adapt.workflows.generate.prompts import Prompt, other_prompts
from npu_adapt.workflows.generate.suspects import first_far, first_wrong
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.session import Session

PROMPT_LOGITS = "prompt_logits"
BATCH = 4
LONGEST = 7  # tokens that the longest prompt of the batch has more: no multiple of what kernels take at once
CHUNKS = 2
CACHES = ("cache", "past_key_values")  # the argument's name is changing in transformers 5

Read = Callable[[torch.nn.Module, Mapping[str, Tensor]], Outputs]


@dataclass(frozen=True)
class Way:
    """One way to read the prompt."""

    name: str
    sample: Sample
    read: Read

    def of(self, side: Side) -> Side:
        """The side with this reading for its forward."""
        return dataclasses.replace(side, task=dataclasses.replace(side.task, forward=self.read))


def examine_invariance(
    session: Session, plan: Plan, reference: Side, candidate: Side, arithmetic: ArithmeticByClass
) -> tuple[tuple[Invariance, ...], tuple[Fact, ...]]:
    """Every way of reading the first prompt, and why there is none, where the model takes more than a text."""
    prompt, loaded = plan.prompts[0], session.loaded
    if loaded.task.tag != "text-generation" or loaded.processor.tokenizer is None:
        return (), (setting("no-invariance"),)
    alone = Way("alone", prompt.sample, partial(_read, first=0))
    side = alone.of(candidate)
    own = side.call(side.tensors(alone.sample))[PROMPT_LOGITS].cpu()
    truth, floor = _floor(loaded, alone, own, arithmetic)
    found = tuple(
        _invariance(session, way, (reference, candidate), own, truth, floor, arithmetic)
        for way in ways(loaded, prompt, plan.settings.pad)
    )
    return found, ()


def ways(loaded: LoadedModel, prompt: Prompt, pad: int) -> tuple[Way, ...]:
    """In a batch, padded left and right, and in chunks; the prompt is the first row."""
    ids = prompt.sample.tensors["input_ids"]
    count = ids.shape[1]
    others = [*other_prompts(loaded, BATCH - 1)]
    others[-1] = torch.cat([ids[0], others[-1].repeat(LONGEST)[:LONGEST]])
    rows = [ids[0], *others]
    longest = max(len(row) for row in rows)
    takes = inspect.signature(loaded.module.forward).parameters
    made = []
    for side in ("left", "right"):
        tensors = _batch(rows, longest, pad, side)
        if "position_ids" not in takes:
            tensors.pop("position_ids")
        first = longest - count if side == "left" else 0
        made.append(Way(f"batch-{side}", _with(prompt.sample, tensors), partial(_read, first=first, count=count)))
    if count >= CHUNKS and takes.keys() & CACHES:
        made.append(Way("chunks", prompt.sample, _in_chunks))
    return tuple(made)


def _with(sample: Sample, tensors: Mapping[str, Tensor]) -> Sample:
    return dataclasses.replace(sample, tensors=tensors)


def _batch(rows: list[Tensor], longest: int, pad: int, side: str) -> dict[str, Tensor]:
    """`input_ids`, `attention_mask` and `position_ids` [rows, longest]; padding is where the mask is 0."""
    ids = torch.full((len(rows), longest), pad)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for number, row in enumerate(rows):
        place = slice(longest - len(row), longest) if side == "left" else slice(0, len(row))
        ids[number, place] = row
        mask[number, place] = 1
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions}


def _read(module: torch.nn.Module, tensors: Mapping[str, Tensor], *, first: int, count: int | None = None) -> Outputs:
    """The logits of the first row of a batch, [tokens, vocabulary], from its position `first` on."""
    logits = module(**tensors, use_cache=False).logits[0, first:]
    return {PROMPT_LOGITS: logits if count is None else logits[:count]}


def _in_chunks(module: Any, tensors: Mapping[str, Tensor]) -> Outputs:
    """The same, the prompt read chunk after chunk with the cache."""
    (name,) = (each for each in CACHES if each in inspect.signature(module.forward).parameters)
    found: list[torch.Tensor] = []
    cache: dict[str, Any] = {}
    read = 0
    for part in tensors["input_ids"].chunk(CHUNKS, dim=1):
        read += part.shape[1]
        mask = torch.ones((1, read), dtype=torch.long, device=part.device)
        result = module(input_ids=part, attention_mask=mask, use_cache=True, **cache)
        cache = {name: result.past_key_values}
        found.append(result.logits[0])
    return {PROMPT_LOGITS: torch.cat(found)}


def _floor(
    loaded: LoadedModel, alone: Way, found: Tensor, arithmetic: ArithmeticByClass
) -> tuple[Outputs, float | None]:
    """The truth of the prompt read alone, and its noise floor."""
    reading = dataclasses.replace(loaded, task=dataclasses.replace(loaded.task, forward=alone.read))
    wide = wide_enough(loaded.dtype)
    truth, _ = truth_of(reading, alone.sample, {PROMPT_LOGITS: found}, wide)
    variants = emulations(arithmetic, wide.operators, truth, loaded.dtype)
    errors = [
        errors_of(forward_of(reading, alone.sample, loaded.dtype, emulate(variant)), truth) for variant in variants
    ]
    return truth, floor_of([each[PROMPT_LOGITS] for each in errors], loaded.dtype)


def _invariance(
    session: Session,
    way: Way,
    sides: tuple[Side, Side],
    own: Tensor,
    truth: Outputs,
    floor: float | None,
    arithmetic: ArithmeticByClass,
) -> Invariance:
    """The device's error in this way, and where it begins if it is outside the floor."""
    reference, candidate = (way.of(side) for side in sides)
    found = candidate.call(candidate.tensors(way.sample))[PROMPT_LOGITS].cpu()
    measured = Measured(errors_of({PROMPT_LOGITS: found}, truth)[PROMPT_LOGITS], floor)
    made = Invariance(
        variant=way.name,
        sample=0,
        differing=1 - float(torch.eq(found, own).double().mean()),
        float64_relative_l2=measured.error,
        noise_floor=floor,
        error_over_floor=measured.over_floor,
    )
    if not is_outside(made):
        return made
    expected = reference.call(reference.tensors(way.sample))[PROMPT_LOGITS].cpu()
    by_model = Measured(errors_of({PROMPT_LOGITS: expected}, truth)[PROMPT_LOGITS], floor).over_floor
    if by_model is None or by_model > FLOOR_MARGIN:
        return _changed(made, None, by_model=True)
    suspect = first_wrong(candidate, way.sample, arithmetic, lambda: True)
    return _changed(made, suspect or first_far(session, candidate, way.sample, arithmetic), by_model=False)


def _changed(made: Invariance, suspect: OperatorFinding | None, *, by_model: bool) -> Invariance:
    named = {} if suspect is None else {"module": suspect.module, "operator": suspect.operator}
    return replace(made, by_model=by_model, **named)
