"""Same weights, same inputs, reference and device: metrics and a verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from msgspec.structs import replace

from npu_adapt.devices.selection import open_device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import UsageError
from npu_adapt.numerics.arithmetic import ARITHMETICS, ArithmeticByClass
from npu_adapt.numerics.emulation import emulate
from npu_adapt.progress import Progress
from npu_adapt.records import CompareLatency, Repeats, Summary
from npu_adapt.workflows.compare.baseline import against_baseline, read_baseline, require_same_subject
from npu_adapt.workflows.compare.floor import EndToEnd, measure_end_to_end
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.outputs import require_same_outputs
from npu_adapt.workflows.compare.probing import arithmetic_to_judge_at, probe
from npu_adapt.workflows.compare.record import Evidence, arithmetic_report, judge, log_comparison
from npu_adapt.workflows.compare.saved_outputs import require_writable, save_outputs, saved_outputs
from npu_adapt.workflows.compare.suspects import Operators, examine_operators
from npu_adapt.workflows.compare.verdict import RANDOM_SPREAD
from npu_adapt.workflows.run.forward import Forwards, Side, run_forwards
from npu_adapt.workflows.run.infer import record_forwards
from npu_adapt.workflows.run.request import RunRequest
from npu_adapt.workflows.run.session import Session, prepared

__all__ = ["CompareOptions", "compare"]

FORWARDS = 3  # of each sample on the device, which must be equal to the bit
WARM_FORWARDS = 2  # of the first sample, for the latency


def compare(request: RunRequest, options: CompareOptions, progress: Progress) -> Summary:
    """Runs the reference and the device, and judges. A verdict that is "fail" is a result, not an exception."""
    _require_sense(request, options)
    baseline = None if options.baseline is None else read_baseline(options.baseline)
    with prepared(request, progress, allow_cpu=False) as session:
        if baseline is not None and options.baseline is not None:
            require_same_subject(baseline, session.so_far(), options.baseline, options.reference)
        candidate = _candidate_side(session)
        expected, found = _forwards(session, options, candidate)
        evidence = _evidence(session, options, candidate, expected, found)
        record_forwards(session, found, status="REHEARSED" if request.rehearse else "SUCCESS")
        run = session.summary.run
        assert run is not None
        section, reasons = judge(evidence, options, candidate=run.device, inputs=run.inputs)
        if baseline is not None and options.baseline is not None:
            section = replace(
                section, baseline=against_baseline(baseline, session.so_far(compare=section), options.baseline)
            )
        session.explain(reasons)
        log_comparison(session.journal, section)
        summary = session.publish(compare=section)
        if options.save_outputs is not None:
            save_outputs(options.save_outputs, evidence.saved, summary)
        return summary


def _require_sense(request: RunRequest, options: CompareOptions) -> None:
    if (options.rtol is None) != (options.atol is None):
        raise UsageError("--rtol and --atol belong together", hint="give both, for example --rtol 1e-3 --atol 1e-5")
    if options.rule == "tolerance" and options.rtol is None:
        raise UsageError("--rule tolerance needs --rtol and --atol", hint="for example --rtol 1e-3 --atol 1e-5")
    if options.fast and options.arithmetic != "auto":
        raise UsageError("--fast does not probe the device's arithmetic", hint="leave --fast or --arithmetic out")
    if request.rehearse and request.device not in ("auto", "cpu"):
        raise UsageError(
            f"--rehearse emulates on the CPU, so --device {request.device} means nothing", hint="leave one of them out"
        )
    if options.save_outputs is not None:
        require_writable(options.save_outputs)


def _forwards(session: Session, options: CompareOptions, candidate: Side) -> tuple[Forwards, Forwards]:
    """Both sides' forwards of every sample: once with `--fast`, else repeated, the reference's first sample only."""
    reference = _reference_side(session, options)
    warm = 0 if options.fast else WARM_FORWARDS
    watched = 0 if options.fast or session.request.rehearse is not None else FORWARDS
    with session.stage("reference", f"running the reference on {reference.device.name}"):
        expected = run_forwards(reference, session.samples, session.progress, warm=warm)
    session.device.reset_peak_memory()
    with session.stage("forward", f"running the model on {session.device.name}"):
        found = run_forwards(candidate, session.samples, session.progress, warm=warm, watched=watched)
    with session.stage("compare", "comparing the outputs"):
        require_same_outputs(expected.outputs, found.outputs)
    return expected, found


def _reference_side(session: Session, options: CompareOptions) -> Side:
    """The reference: the run's weights, widened to float32."""
    loaded = session.loaded
    device = open_device(options.reference, allow_cpu=True).device
    module = loaded.module
    if loaded.dtype != torch.float32 or device.torch_device.type != "cpu":
        module = copy_to(module, device.torch_device, torch.float32)
    return Side(module, device, torch.float32, loaded.task)


def _candidate_side(session: Session) -> Side:
    """The device's own copy; for a rehearsal the loaded module, under the arithmetic that is emulated."""
    loaded, rehearse = session.loaded, session.request.rehearse
    module = session.module_on_device() if rehearse is None else loaded.module
    return Side(module, session.device, loaded.dtype, loaded.task, context=candidate_context(session))


def candidate_context(session: Session) -> Callable[[], AbstractContextManager[object]]:
    """What the candidate's forwards run in: an emulation, for a rehearsal."""
    rehearse = session.request.rehearse
    return nullcontext if rehearse is None else partial(emulate, ARITHMETICS[rehearse])


def _evidence(
    session: Session, options: CompareOptions, candidate: Side, expected: Forwards, found: Forwards
) -> Evidence:
    """Everything that is measured before anything is judged."""
    loaded, rehearsed = session.loaded, session.request.rehearse is not None
    arithmetic = end_to_end = None
    operators = Operators()
    if not options.fast:
        with session.stage("probe", "asking the device for its arithmetic"):
            probed = probe(session.device, loaded.dtype, candidate.context)
        judged_at = arithmetic_to_judge_at(probed, session.request.rehearse or options.arithmetic, loaded.dtype)
        is_random = expected.spread > RANDOM_SPREAD
        if not is_random:  # under a random model the floor would be its own randomness
            end_to_end = _end_to_end(session, options, judged_at, found)
        arithmetic = arithmetic_report(options.arithmetic, probed, judged_at, end_to_end)
        if not rehearsed:
            measured = () if end_to_end is None else end_to_end.samples
            operators = examine_operators(
                session,
                candidate,
                judged_at,
                measured,
                found.divergences,
                is_random=is_random,
                accumulate=options.accumulate,
            )
    return Evidence(
        saved=saved_outputs(expected, found, end_to_end, loaded.task.class_scores),
        measured=() if end_to_end is None else end_to_end.samples,
        dtype=loaded.dtype,
        reference=options.reference,
        arithmetic=arithmetic,
        finer_hint=session.device.backend.finer_hint,
        repeats=_repeats(expected, found),
        latency=None if rehearsed else _latency(expected, found),
        rehearsed=rehearsed,
        operators=operators,
        left_out=(*loaded.left_out, *_without_float64(end_to_end)),
    )


def _end_to_end(session: Session, options: CompareOptions, judged_at: ArithmeticByClass, found: Forwards) -> EndToEnd:
    with session.stage("floor", "measuring the noise floor on the CPU"):
        return measure_end_to_end(
            session.loaded,
            session.samples,
            found.outputs,
            judged_at,
            session.progress,
            explain=session.request.rehearse is None,
            keep_truth=options.save_outputs is not None,
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
    )


def _latency(expected: Forwards, found: Forwards) -> CompareLatency | None:
    reference, candidate = expected.warm_median_ms, found.warm_median_ms
    if reference is None or candidate is None:
        return None
    return CompareLatency(
        reference_ms=reference, candidate_ms=candidate, speed_up=reference / candidate, iterations=len(found.warm_ms)
    )


def _without_float64(end_to_end: EndToEnd | None) -> tuple[str, ...]:
    """What was compared with the next best truth, in words."""
    names = () if end_to_end is None else end_to_end.without_float64
    return (f"the truth of {', '.join(names)} is float32: no float64 kernel on the CPU",) if names else ()
