"""Same weights, same inputs, reference and device: metrics and a verdict."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from msgspec.structs import replace

from npu_adapt.devices.selection import open_device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.arithmetic import ARITHMETICS, ArithmeticByClass
from npu_adapt.numerics.emulation import emulate
from npu_adapt.numerics.exact import HALF_TYPES
from npu_adapt.numerics.repeats import Divergence
from npu_adapt.numerics.truth import Float32
from npu_adapt.progress import Progress, doing
from npu_adapt.records import CompareLatency, Fact, Repeats, Summary, SumOrderFound
from npu_adapt.workflows.compare.alone import Operators
from npu_adapt.workflows.compare.baseline import against_baseline, read_baseline, require_same_subject
from npu_adapt.workflows.compare.evidence import Evidence
from npu_adapt.workflows.compare.facts import left_out, reason
from npu_adapt.workflows.compare.floor import NoiseFloor, measure_floor
from npu_adapt.workflows.compare.latency import measure_latency
from npu_adapt.workflows.compare.modes.examine import examine_modes
from npu_adapt.workflows.compare.operators import examine_operators
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.outputs import require_same_outputs
from npu_adapt.workflows.compare.probing import (
    Convolutions,
    Probed,
    arithmetic_report,
    arithmetic_to_judge_at,
    probe,
    read_orders,
    summed_in,
)
from npu_adapt.workflows.compare.quantisation_loss import loss_against, require_quantised
from npu_adapt.workflows.compare.quantised import dequantised_on
from npu_adapt.workflows.compare.record import compare_section, log_comparison
from npu_adapt.workflows.compare.repro.write import require_folder, write_repro
from npu_adapt.workflows.compare.saved_outputs import require_writable, save_outputs
from npu_adapt.workflows.compare.seeing import overlaps
from npu_adapt.workflows.compare.soak import run_soak
from npu_adapt.workflows.generate.evidence import with_generation
from npu_adapt.workflows.generate.plan import Plan, plan_generation
from npu_adapt.workflows.run.forward import Forwards, Side, run_forwards
from npu_adapt.workflows.run.infer import record_forwards
from npu_adapt.workflows.run.request import RunRequest
from npu_adapt.workflows.run.session import Session, prepared
from npu_adapt.workflows.run.subject import Subject, with_noise

__all__ = ["CompareOptions", "compare"]

FORWARDS = 3  # of each sample on the device, which must be equal to the bit
WARM_FORWARDS = 2  # further ones of the first sample: whether the reference repeats itself, and how long they take


def compare(request: RunRequest, options: CompareOptions, progress: Progress, given: Subject | None = None) -> Summary:
    """Runs the reference and the device, and judges. A verdict that is "fail" is a result, not an exception.

    `given` is what is compared instead of the request's model.
    """
    _require_sense(request, options)
    baseline = None if options.baseline is None else read_baseline(options.baseline)
    with prepared(request, progress, allow_cpu=False, given=given) as session:
        require_quantised(session, options.original)
        if baseline is not None and options.baseline is not None:
            require_same_subject(baseline, session.so_far(), options.baseline, options.reference)
        evidence, forwards = _measured(session, options)
        record_forwards(session, forwards, status="REHEARSED" if request.rehearse else "SUCCESS")
        run = session.summary.run
        assert run is not None
        section, reasons = compare_section(evidence, options, candidate=run.device, inputs=run.inputs)
        if baseline is not None and options.baseline is not None:
            section = replace(
                section, baseline=against_baseline(baseline, session.so_far(compare=section), options.baseline)
            )
        session.explain(reasons)
        log_comparison(session.journal, section)
        summary = session.publish(compare=section)
        if options.save_outputs is not None:
            save_outputs(options.save_outputs, evidence, summary)
        return summary


def _require_sense(request: RunRequest, options: CompareOptions) -> None:
    if (options.rtol is None) != (options.atol is None):
        raise UsageError("--rtol and --atol belong together", hint="give both, for example --rtol 1e-3 --atol 1e-5")
    if options.rule == "tolerance" and options.rtol is None:
        raise UsageError("--rule tolerance needs --rtol and --atol", hint="for example --rtol 1e-3 --atol 1e-5")
    if options.fast and options.arithmetic != "auto":
        raise UsageError("--fast does not probe the device's arithmetic", hint="leave --fast or --arithmetic out")
    if options.fast and options.generate is not None:
        raise UsageError(
            "--fast measures no noise floor, and without one a token that differs cannot be judged",
            hint="leave --fast or --generate out",
        )
    if options.further_modes and (options.fast or request.rehearse):
        raise UsageError(
            "--mode compile and --mode graph need a noise floor and a device, not --fast or --rehearse",
            hint="leave one of them out",
        )
    if options.further_modes and request.max_memory is not None:
        raise UsageError(
            "--max-memory reads weights from their files as eager forwards come to them, which --mode compile and "
            "--mode graph do not allow",
            hint="leave one of them out",
        )
    if request.rehearse and request.device not in ("auto", "cpu"):
        raise UsageError(
            Sentence("--rehearse emulates on the CPU, so --device {device} means nothing", device=request.device),
            hint="leave one of them out",
        )
    if options.soak is not None and (options.fast or request.rehearse):
        raise UsageError(
            "--soak watches the operators of a device, which --fast and --rehearse do not",
            hint="leave one of them out",
        )
    if options.repro is not None and (options.fast or request.rehearse):
        raise UsageError(
            "--repro writes down operators that fail on a device, which --fast and --rehearse do not look for",
            hint="leave one of them out",
        )
    if options.repro is not None:
        require_folder(options.repro)
    if options.save_outputs is not None:
        require_writable(options.save_outputs)


def _measured(session: Session, options: CompareOptions) -> tuple[Evidence, Forwards]:
    """Everything that is measured before anything is judged, and the device's forwards."""
    plan = None if options.generate is None else plan_generation(session, options.generate)
    reference, candidate = _reference_side(session, options), _candidate_side(session)
    expected = _reference_forwards(session, options, reference, session.samples)
    if expected.draws and (drawn := _forwards_with_noise(session, options, reference)) is not None:
        expected = drawn
        reference, candidate = (dataclasses.replace(side, task=session.loaded.task) for side in (reference, candidate))
    found, latency = _forwards(session, options, reference, candidate, expected)
    evidence = Evidence(
        reference=expected.outputs,
        candidate=found.outputs,
        class_scores=session.loaded.task.scores_in((*expected.outputs, *found.outputs)),
        dtype=session.loaded.dtype,
        reference_device=options.reference,
        rehearsed=session.request.rehearse is not None,
        finer_hint=session.device.backend.finer_hint,
        repeats=_repeats(expected, found),
        latency=latency,
        dequantised=dequantised_on(session, candidate),
        overlaps=overlaps(session.loaded, session.samples, expected.outputs, found.outputs),
        left_out=tuple(left_out("part", name=part) for part in session.loaded.left_out),
    )
    if options.original is not None:
        evidence = dataclasses.replace(evidence, quantisation_loss=loss_against(session, options.original, evidence))
    if not options.fast:
        evidence = _examined(session, options, reference, candidate, evidence, found.divergences, plan)
    if isinstance(latency, CompareLatency):
        found = dataclasses.replace(found, warm_ms=(latency.candidate_ms,))
    return evidence, found


def _reference_forwards(session: Session, options: CompareOptions, side: Side, samples: tuple[Sample, ...]) -> Forwards:
    """The reference's forwards of every sample, the first one's repeated but with `--fast`."""
    with session.stage("reference", doing("running-reference", device=side.device.name)):
        return run_forwards(side, samples, session.progress, warm=0 if options.fast else WARM_FORWARDS)


def _forwards_with_noise(session: Session, options: CompareOptions, reference: Side) -> Forwards | None:
    """Those of a model that draws random numbers, which are now given to it. None: it still draws, as dropout does."""
    subject = with_noise(session.subject, session.request.seed)
    side = dataclasses.replace(reference, task=subject.loaded.task)
    drawn = _reference_forwards(session, options, side, subject.samples)
    if drawn.draws:
        return None
    session.examine_with_noise(subject)
    return drawn


def _forwards(
    session: Session, options: CompareOptions, reference: Side, candidate: Side, expected: Forwards
) -> tuple[Forwards, CompareLatency | Fact | None]:
    """The device's forwards of every sample: once with `--fast`, else repeated.

    The latency is None with `--fast` and of a rehearsal.
    """
    rehearsed = session.request.rehearse is not None
    warm = 0 if options.fast else WARM_FORWARDS
    watched = 0 if options.fast or rehearsed else FORWARDS
    session.device.reset_peak_memory()
    with session.stage("forward", doing("running-model", device=session.device.name)):
        found = run_forwards(candidate, session.samples, session.progress, warm=warm, watched=watched)
    with session.stage("compare", doing("comparing")):
        require_same_outputs(expected.outputs, found.outputs)
    if not warm or rehearsed:
        return found, None
    if reference.context is Float32:  # widening takes time that a float32 model does not
        return found, reason("reference-widened")
    round_ms = min(expected.warm_ms) + min(found.warm_ms)
    with session.stage("latency", doing("timing"), fallbacks=False):
        return found, measure_latency(reference, candidate, session.samples[0], round_ms)


def _reference_side(session: Session, options: CompareOptions) -> Side:
    """The reference: the run's weights in float32; on the CPU those of a half type are widened as operators run."""
    loaded = session.loaded
    device = open_device(options.reference, allow_cpu=True).device
    on_cpu = device.torch_device.type == "cpu"
    if on_cpu and loaded.dtype in HALF_TYPES:
        return Side(loaded.module, device, torch.float32, loaded.task, context=Float32)
    is_there = on_cpu and loaded.dtype == torch.float32
    module = loaded.module if is_there else copy_to(loaded.module, device.torch_device, torch.float32)
    return Side(module, device, torch.float32, loaded.task)


def _candidate_side(session: Session) -> Side:
    """The device's own copy; for a rehearsal the loaded module, under the arithmetic that is emulated."""
    loaded, rehearse = session.loaded, session.request.rehearse
    module = session.module_on_device() if rehearse is None else session.subject.candidate or loaded.module
    return Side(module, session.device, loaded.dtype, loaded.task, context=candidate_context(session))


def candidate_context(session: Session) -> Callable[[], AbstractContextManager[object]]:
    """What the candidate's forwards run in: an emulation, for a rehearsal."""
    rehearse = session.request.rehearse
    return nullcontext if rehearse is None else partial(emulate, ARITHMETICS[rehearse])


def _examined(
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
    floor = None if evidence.is_random else _floor(session, options, judged_at, evidence)
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


def _floor(session: Session, options: CompareOptions, judged_at: ArithmeticByClass, evidence: Evidence) -> NoiseFloor:
    with session.stage("floor", doing("measuring-floor")):
        return measure_floor(
            session.loaded,
            session.samples,
            evidence.candidate,
            judged_at,
            session.progress,
            explain=not evidence.rehearsed,
            keep_truth=options.save_outputs is not None or bool(options.further_modes),
        )


def _repeats(expected: Forwards, found: Forwards) -> Repeats | None:
    """None: one forward only."""
    if not found.warm_ms:
        return None
    return Repeats(
        forwards=found.repeated,
        reference_spread=min(expected.spread, sys.float_info.max),  # JSON has no infinity
        reference_differing=expected.differing,
        candidate_differing=found.differing,
        stateful=expected.stateful,
    )
