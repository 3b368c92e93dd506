"""A comparison's evidence with what both sides wrote: logits are outputs like any other, the rest is a record."""

from __future__ import annotations

import dataclasses

from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.workflows.compare.evidence import Evidence
from npu_adapt.workflows.generate.examine import examine_generation
from npu_adapt.workflows.generate.plan import Plan
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.session import Session


def with_generation(
    session: Session, plan: Plan, reference: Side, candidate: Side, arithmetic: ArithmeticByClass, evidence: Evidence
) -> Evidence:
    """The evidence as it is where it has no floor: of a random model nothing that is written can be judged."""
    floor = evidence.floor
    if floor is None:
        return evidence
    found = examine_generation(session, plan, reference, candidate, arithmetic)
    truth = tuple({**one, **other} for one, other in zip(floor.truth, found.truth, strict=True)) if floor.truth else ()
    return dataclasses.replace(
        evidence,
        reference=tuple({**one, **other} for one, other in zip(evidence.reference, found.reference, strict=True)),
        candidate=tuple({**one, **other} for one, other in zip(evidence.candidate, found.candidate, strict=True)),
        floor=dataclasses.replace(
            floor,
            samples=tuple({**one, **other} for one, other in zip(floor.samples, found.measured, strict=True)),
            truth=truth,
        ),
        generation=found.record,
    )
