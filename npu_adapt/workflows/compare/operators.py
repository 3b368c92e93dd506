"""Which operator fails: each judged alone, and both sides in step where the whole fails and no operator alone does."""

from __future__ import annotations

from dataclasses import replace

from msgspec.structs import replace as replaced

from npu_adapt.devices.selection import open_device
from npu_adapt.errors import first_line
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.repeats import Divergence
from npu_adapt.numerics.rules import FLOOR_MARGIN
from npu_adapt.progress import doing
from npu_adapt.records import OperatorFinding
from npu_adapt.workflows.compare.alone import Operators, judge_operators, with_accumulated
from npu_adapt.workflows.compare.facts import note
from npu_adapt.workflows.compare.floor import Measured
from npu_adapt.workflows.compare.in_step import InStep, run_in_step
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.session import Session


def examine_operators(
    session: Session,
    candidate: Side,
    arithmetic: ArithmeticByClass,
    measured: tuple[dict[str, Measured], ...],
    divergences: tuple[tuple[int, Divergence], ...],
    *,
    is_random: bool,
    accumulate: bool,
) -> Operators:
    """Judges every operator alone on the device, and looks for the first divergence where that explains too little.

    `measured` are the errors end to end, `divergences` say where forwards of a sample differed first. How errors
    accumulate is measured where something failed, and with `accumulate` in any case; of a random model nothing can be.
    """
    with session.stage("operators", doing("judging-operators", device=candidate.device.name)):
        found = _alone(session, candidate, arithmetic)
    failing = _failing_sample(measured)
    needed = accumulate or failing is not None or bool(found.findings)
    if is_random or found.depth is None or not needed:
        return found if is_random else _with_divergences(found, divergences)
    with session.stage("in-step", doing("running-in-step")):
        searched = failing is not None and not found.findings
        first = _in_step(session, candidate, session.samples[0], arithmetic, search=searched and failing == 0)
        found = replace(found, depth=with_accumulated(found.depth, first.accumulated))
        if searched and failing:
            first = _in_step(session, candidate, session.samples[failing], arithmetic, search=True)
    suspect = first.first_divergence
    notes = () if first.note is None else (first.note,)
    alone = found.findings or (() if suspect is None else (suspect,))
    return _with_divergences(replace(found, findings=alone, notes=found.notes + notes), divergences)


def _with_divergences(found: Operators, divergences: tuple[tuple[int, Divergence], ...]) -> Operators:
    """The findings with the operators whose bits were not the same in every forward, in the order of execution.

    Where the model draws random numbers, forwards differ by right.
    """
    if found.random or not divergences:
        return found
    diverged = {(sample, each.index): _diverged(sample, each) for sample, each in divergences}
    marked = [
        replaced(finding, differs=diverged.pop((finding.sample, finding.index), None) is not None)
        for finding in found.findings
    ]
    findings = sorted((*marked, *diverged.values()), key=lambda finding: (finding.sample, finding.index))
    return replace(found, findings=tuple(findings))


def _diverged(sample: int, divergence: Divergence) -> OperatorFinding:
    """The record of a divergence: no values are kept of a forward that is over."""
    return OperatorFinding(
        module=divergence.module,
        operator=divergence.operator,
        index=divergence.index,
        output_shape=divergence.output_shape,
        test="repeat",
        error_over_floor=None,
        worst_index=(),
        reference=None,
        candidate=None,
        sample=sample,
        differs=True,
    )


def _alone(session: Session, candidate: Side, arithmetic: ArithmeticByClass) -> Operators:
    loaded = session.loaded
    try:
        return judge_operators(
            loaded.module,
            candidate.device,
            session.samples,
            loaded.task,
            dtype=loaded.dtype,
            arithmetic=arithmetic,
            progress=session.progress,
            candidate_context=candidate.context,
        )
    except (RuntimeError, NotImplementedError) as error:
        # The whole ran on the device, so an operator that cannot be repeated alone is no fault of it.
        if candidate.device.classify(error, "operators") is not None:
            raise
        session.journal.event("accuracy", "not-judged-alone", "error", message=first_line(error))
        return Operators(notes=(note("not-judged-alone", error=type(error).__name__),))


def _in_step(
    session: Session, candidate: Side, sample: Sample, arithmetic: ArithmeticByClass, *, search: bool
) -> InStep:
    loaded = session.loaded
    cpu = open_device("cpu", allow_cpu=True).device
    reference = Side(loaded.module, cpu, loaded.dtype, loaded.task)
    return run_in_step(reference, candidate, sample, arithmetic, session.progress, search=search)


def _failing_sample(measured: tuple[dict[str, Measured], ...]) -> int | None:
    """The sample that is furthest over its floor, if it is over the limit; None: none is."""

    def over(sample: dict[str, Measured]) -> float:
        figures = (float("inf") if each.over_floor is None else each.over_floor for each in sample.values())
        return max(figures, default=0.0)

    worst = max(range(len(measured)), key=lambda number: over(measured[number]), default=None)
    return worst if worst is not None and over(measured[worst]) > FLOOR_MARGIN else None
