"""Both sides write, and each token that differs is explained: the order of the steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.progress import doing
from npu_adapt.records import Generation
from npu_adapt.workflows.compare.floor import Measured
from npu_adapt.workflows.generate.floors import floor_of_text
from npu_adapt.workflows.generate.invariance import examine_invariance
from npu_adapt.workflows.generate.plan import Plan
from npu_adapt.workflows.generate.record import generation_record
from npu_adapt.workflows.generate.settings import configured
from npu_adapt.workflows.generate.suspects import suspect_of
from npu_adapt.workflows.generate.text import Text, measure_text, reference_text
from npu_adapt.workflows.generate.writing import LOGITS, WITHOUT_CACHE, along
from npu_adapt.workflows.run.forward import Outputs, Side
from npu_adapt.workflows.run.session import Session


@dataclass(frozen=True)
class Examined:
    """The record, and the logits as outputs like any other, sample by sample."""

    record: Generation
    reference: tuple[Outputs, ...]
    candidate: tuple[Outputs, ...]
    measured: tuple[dict[str, Measured], ...]
    truth: tuple[Outputs, ...]


def examine_generation(
    session: Session, plan: Plan, reference: Side, candidate: Side, arithmetic: ArithmeticByClass
) -> Examined:
    """Writes on both sides, and judges the device's logits at each position of what the reference wrote."""
    loaded, device = session.loaded, candidate.device.name
    modules = {id(module): module for module in (reference.module, candidate.module, loaded.module)}
    with configured(plan.settings, *modules.values()):
        with session.stage("generate", doing("writing", device=device)):
            texts = _texts(session, plan, reference, candidate, arithmetic)
            suspect = suspect_of(session, candidate, arithmetic, texts)
        with session.stage("invariance", doing("reading-otherwise", device=device)):
            invariance, missing = examine_invariance(session, plan, reference, candidate, arithmetic)
    return Examined(
        generation_record(loaded, plan, texts, suspect, invariance, missing),
        tuple(dict.fromkeys((LOGITS, WITHOUT_CACHE), text.reference.logits) for text in texts),
        tuple({LOGITS: text.found, WITHOUT_CACHE: text.at_once} for text in texts),
        tuple(
            {LOGITS: text.floor.measured(text.found), WITHOUT_CACHE: text.floor.measured(text.at_once)}
            for text in texts
        ),
        tuple(dict.fromkeys((LOGITS, WITHOUT_CACHE), text.floor.truth[LOGITS]) for text in texts),
    )


def _texts(
    session: Session, plan: Plan, reference: Side, candidate: Side, arithmetic: ArithmeticByClass
) -> Sequence[Text]:
    loaded, texts = session.loaded, []
    with session.progress.task(doing("writing", device=candidate.device.name), total=None) as step:
        for number, prompt in enumerate(plan.prompts):
            expected = reference_text(reference, prompt)
            step.advance(1)
            floor = floor_of_text(loaded, along(prompt.sample, expected), expected.logits, arithmetic, step)
            texts.append(measure_text(number, prompt, expected, candidate, floor))
            step.advance(1)
    return texts
