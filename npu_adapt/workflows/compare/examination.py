"""What a comparison measures beyond outputs: arithmetic, noise floor, operators, modes, and what was asked for."""

from __future__ import annotations

import dataclasses

from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.repeats import Divergence
from npu_adapt.numerics.truth import Widened
from npu_adapt.progress import doing
from npu_adapt.records import SumOrderFound
from npu_adapt.workflows.compare.alone import Operators
from npu_adapt.workflows.compare.evidence import Evidence
from npu_adapt.workflows.compare.floor import InFloat32, NoiseFloor, measure_floor
from npu_adapt.workflows.compare.modes.examine import examine_modes
from npu_adapt.workflows.compare.operators import examine_operators
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.probing import (
    Convolutions,
    Probed,
    arithmetic_report,
    arithmetic_to_judge_at,
    probe,
    read_orders,
    summed_in,
)
from npu_adapt.workflows.compare.repro.write import write_repro
from npu_adapt.workflows.compare.soak import run_soak
from npu_adapt.workflows.generate.evidence import with_generation
from npu_adapt.workflows.generate.plan import Plan
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.session import Session


def examined(
    session: Session,
    options: CompareOptions,
    reference: Side,
    candidate: Side,
    evidence: Evidence,
    divergences: tuple[tuple[int, Divergence], ...],
    plan: Plan | None,
) -> Evidence:
    """The evidence with the device's arithmetic, the noise floor, the operators, and what was planned to be written."""
    with session.stage("probe", doing("probing")):
        probed = probe(session.device, evidence.dtype, candidate.context)
    _log_failures(session, probed)
    judged_at = arithmetic_to_judge_at(probed, session.request.rehearse or options.arithmetic, evidence.dtype)
    convolutions = _convolutions(session, probed, candidate, judged_at)
    orders: tuple[SumOrderFound, ...] = ()
    if not evidence.rehearsed:  # else they are the CPU's own
        orders = read_orders(session.device, evidence.dtype, candidate.module, candidate.context)
        judged_at = dataclasses.replace(summed_in(judged_at, orders), algorithm_of=convolutions.algorithm_of)
    # Under a random model the floor would be its own randomness.
    floor = None if evidence.is_random else _floor(session, options, reference, judged_at, evidence)
    operators = Operators()
    if not evidence.rehearsed and session.subject.candidate is None:  # else its operators are other ones
        operators = examine_operators(
            session,
            candidate,
            judged_at,
            () if floor is None else floor.samples,
            divergences,
            is_random=evidence.is_random,
            accumulate=options.accumulate,
        )
    evidence = dataclasses.replace(evidence, floor=floor)
    modes, culprits = examine_modes(session, candidate, options.further_modes, judged_at, evidence)
    evidence = dataclasses.replace(
        evidence,
        arithmetic=arithmetic_report(options.arithmetic, probed, judged_at, floor, convolutions.records(), orders),
        operators=dataclasses.replace(operators, notes=(*operators.notes, *convolutions.notes())),
        modes=modes,
        left_out=(*evidence.left_out, *(() if floor is None else floor.left_out)),
    )
    if options.soak is not None and not evidence.is_random and not operators.random:
        with session.stage("soak", doing("soaking", device=candidate.device.name), fallbacks=False):
            soaked = run_soak(candidate, session.samples[0], options.soak, session.progress)
        evidence = dataclasses.replace(evidence, soak=soaked)
    if options.repro is not None:
        with session.stage("repro", doing("writing-cases")):
            found = write_repro(session, options.repro, candidate, judged_at, operators.findings, culprits)
        evidence = dataclasses.replace(evidence, repro=found)
    return evidence if plan is None else with_generation(session, plan, reference, candidate, judged_at, evidence)


def _convolutions(session: Session, probed: Probed, candidate: Side, judged_at: ArithmeticByClass) -> Convolutions:
    """How the device convolves, in the arithmetic that it was found to, whatever it is held to."""
    reading = probed.readings.get("conv")
    found = None if reading is None else reading.emulated()
    return Convolutions(session.device, session.loaded.dtype, found or judged_at.conv, candidate.context)


def _log_failures(session: Session, probed: Probed) -> None:
    for operators, message in probed.failures.items():
        session.journal.event("accuracy", "probe-failed", "warning", operators=operators, message=message)


def _floor(
    session: Session, options: CompareOptions, reference: Side, judged_at: ArithmeticByClass, evidence: Evidence
) -> NoiseFloor:
    with session.stage("floor", doing("measuring-floor")):
        return measure_floor(
            session.loaded,
            session.samples,
            evidence.candidate,
            judged_at,
            session.progress,
            explain=not evidence.rehearsed,
            keep_truth=options.save_outputs is not None or bool(options.further_modes),
            known=_in_float32(reference, evidence),
        )


def _in_float32(reference: Side, evidence: Evidence) -> InFloat32 | None:
    """The reference's forwards, where they are the CPU's."""
    if reference.device.torch_device.type != "cpu":
        return None
    context = reference.context()
    return InFloat32(evidence.reference, context if isinstance(context, Widened) else None)
