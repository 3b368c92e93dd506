"""Same weights, same inputs, reference and device: metrics and a verdict."""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.progress import Progress
from npu_adapt.records import CompareLatency, Summary
from npu_adapt.workflows.compare.baseline import against_baseline, read_baseline, require_same_subject
from npu_adapt.workflows.compare.evidence import Evidence
from npu_adapt.workflows.compare.examination import examined
from npu_adapt.workflows.compare.facts import left_out
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.quantisation_loss import loss_against, require_quantised
from npu_adapt.workflows.compare.quantised import dequantised_on
from npu_adapt.workflows.compare.record import compare_section, log_comparison
from npu_adapt.workflows.compare.repro.write import require_folder
from npu_adapt.workflows.compare.saved_outputs import require_writable, save_outputs
from npu_adapt.workflows.compare.seeing import overlaps
from npu_adapt.workflows.compare.sides import (
    candidate_forwards,
    candidate_side,
    forwards_with_noise,
    reference_forwards,
    reference_side,
    repeated_reference,
    repeats_of,
)
from npu_adapt.workflows.generate.plan import plan_generation
from npu_adapt.workflows.run.forward import Forwards
from npu_adapt.workflows.run.infer import record_forwards
from npu_adapt.workflows.run.request import RunRequest
from npu_adapt.workflows.run.session import Session, prepared
from npu_adapt.workflows.run.subject import Subject

__all__ = ["CompareOptions", "compare"]


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
    reference, candidate = reference_side(session, options), candidate_side(session)
    expected = reference_forwards(session, options, reference, session.samples)
    if expected.draws and (drawn := forwards_with_noise(session, options, reference)) is not None:
        expected = drawn
        reference, candidate = (dataclasses.replace(side, task=session.loaded.task) for side in (reference, candidate))
    found, latency = candidate_forwards(session, options, reference, candidate, expected)
    if not options.fast:
        expected = repeated_reference(session, reference, expected, found)
    evidence = Evidence(
        reference=expected.outputs,
        candidate=found.outputs,
        class_scores=session.loaded.task.scores_in((*expected.outputs, *found.outputs)),
        dtype=session.loaded.dtype,
        reference_device=options.reference,
        rehearsed=session.request.rehearse is not None,
        finer_hint=session.device.backend.finer_hint,
        repeats=repeats_of(expected, found),
        latency=latency,
        dequantised=dequantised_on(session, candidate),
        overlaps=overlaps(session.loaded, session.samples, expected.outputs, found.outputs),
        left_out=tuple(left_out("part", name=part) for part in session.loaded.left_out),
    )
    if options.original is not None:
        evidence = dataclasses.replace(evidence, quantisation_loss=loss_against(session, options.original, evidence))
    if not options.fast:
        evidence = examined(session, options, reference, candidate, evidence, found.divergences, plan)
    if isinstance(latency, CompareLatency):
        found = dataclasses.replace(found, warm_ms=(latency.candidate_ms,))
    return evidence, found
