"""Same weights, same inputs, reference and device: metrics and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from msgspec import to_builtins

from npu_adapt.devices.selection import open_device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import UsageError
from npu_adapt.numerics.arithmetic import ARITHMETICS
from npu_adapt.numerics.emulation import emulate
from npu_adapt.numerics.rules import field_rule, one_percent
from npu_adapt.progress import Progress
from npu_adapt.records import Compare, CompareLatency, Summary, Verdict
from npu_adapt.workflows.comparison import FLAT_METRICS, Comparison, compare_outputs
from npu_adapt.workflows.forward import Forwards, Side, run_forwards
from npu_adapt.workflows.infer import record_forwards
from npu_adapt.workflows.session import RunRequest, Session, prepared

WARM_FORWARDS = 2  # with the first one: three forwards a side, which must be equal to the bit


@dataclass(frozen=True)
class CompareOptions:
    """What `compare` takes beyond a run."""

    reference: str = "cpu"
    rule: str = "noise-floor"
    rtol: float | None = None
    atol: float | None = None
    arithmetic: str = "auto"
    fast: bool = False
    save_outputs: Path | None = None


def compare(request: RunRequest, options: CompareOptions, progress: Progress) -> Summary:
    """Runs the reference and the device, and judges. A verdict that is "fail" is a result, not an exception."""
    _require_sense(request, options)
    with prepared(request, progress, allow_cpu=False) as session:
        reference = _reference_side(session, options)
        candidate = _candidate_side(session)
        warm = 0 if options.fast else WARM_FORWARDS
        with session.stage("reference", f"running the reference on {reference.device.name}"):
            expected = run_forwards(reference, session.samples, progress, warm=warm)
        session.device.reset_peak_memory()
        with session.stage("forward", f"running the model on {session.device.name}"):
            found = run_forwards(candidate, session.samples, progress, warm=warm)
        with session.stage("compare", "comparing the outputs"):
            comparison = compare_outputs(
                expected.outputs,
                found.outputs,
                dtype=session.loaded.dtype,
                class_scores=session.loaded.task.class_scores,
            )
        record_forwards(session, found, status="REHEARSED" if request.rehearse else "SUCCESS")
        section, reasons = _section(session, options, comparison, expected, found)
        session.explain(reasons)
        _log(session, section)
        return session.publish(compare=section)


def _require_sense(request: RunRequest, options: CompareOptions) -> None:
    if options.rule == "tolerance" and options.rtol is None and options.atol is None:
        raise UsageError("--rule tolerance needs --rtol or --atol", hint="for example --rtol 1e-3 --atol 1e-5")
    if request.rehearse and request.device not in ("auto", "cpu"):
        raise UsageError(
            f"--rehearse emulates on the CPU, so --device {request.device} means nothing", hint="leave one of them out"
        )


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
    if rehearse is None:
        return Side(session.module_on_device(), session.device, loaded.dtype, loaded.task)
    arithmetic = ARITHMETICS[rehearse]
    return Side(loaded.module, session.device, loaded.dtype, loaded.task, context=lambda: emulate(arithmetic))


def _section(
    session: Session, options: CompareOptions, comparison: Comparison, expected: Forwards, found: Forwards
) -> tuple[Compare, dict[str, str]]:
    """The compare section and the reasons of its nulls."""
    run = session.summary.run
    assert run is not None
    verdict = _verdict(session.request, options, comparison)
    latency = _latency(expected, found) if not session.request.rehearse else None
    one = one_percent(comparison.outputs, top1_match=comparison.top1_match, top5_match=comparison.top5_match)
    section = Compare(
        reference=options.reference,
        candidate=run.device,
        samples=len(session.samples),
        max_abs_diff=comparison.flat["max_abs_diff"],
        mean_abs_diff=comparison.flat["mean_abs_diff"],
        cosine_similarity=comparison.flat["cosine_similarity"],
        relative_l2=comparison.flat["relative_l2"],
        top1_match=comparison.top1_match,
        top5_match=comparison.top5_match,
        match_within_1_percent=one.passed,
        match_basis=one.detail,
        outputs=comparison.outputs,
        worst_outputs=comparison.worst_outputs,
        verdict=verdict,
        inputs=run.inputs,
        latency=latency,
        left_out=session.loaded.left_out,
    )
    return section, _reasons(session, options, section)


def _latency(expected: Forwards, found: Forwards) -> CompareLatency | None:
    reference, candidate = expected.warm_median_ms, found.warm_median_ms
    if reference is None or candidate is None:
        return None
    return CompareLatency(
        reference_ms=reference, candidate_ms=candidate, speed_up=reference / candidate, iterations=len(found.warm_ms)
    )


def _verdict(request: RunRequest, options: CompareOptions, comparison: Comparison) -> Verdict:
    outcomes = {
        outcome.rule: outcome
        for outcome in (
            one_percent(comparison.outputs, top1_match=comparison.top1_match, top5_match=comparison.top5_match),
            field_rule(comparison.outputs),
        )
    }
    decisive = outcomes.pop("field" if options.fast or options.rule == "field" else "one-percent")
    return Verdict(
        passed=decisive.passed, rule=decisive.rule, reasons=(decisive.detail,), others=tuple(outcomes.values())
    )


def _reasons(session: Session, options: CompareOptions, section: Compare) -> dict[str, str]:
    """Why fields of the section are null."""
    task = session.loaded.task.name
    classes = f"the task {task} has no class scores"
    fast = "not measured: --fast"
    found = {
        "compare.top1_match": section.top1_match is None and classes,
        "compare.top5_match": section.top5_match is None
        and (classes if section.top1_match is None else "fewer than five classes"),
        "compare.latency": section.latency is None
        and ("a rehearsal times the CPU, not a device" if session.request.rehearse else fast),
        "compare.arithmetic": section.arithmetic is None and (fast if options.fast else "not probed"),
        "compare.first_suspect": section.first_suspect is None and "no operator failed",
        **{
            f"compare.{name}": getattr(section, name) is None and "a NaN or an infinity on one side only"
            for name in FLAT_METRICS
        },
    }
    return {path: why for path, why in found.items() if why}


def _log(session: Session, section: Compare) -> None:
    """The comparison as events of accuracy_compare.log."""
    event = session.journal.event
    for output in section.outputs:
        event("accuracy", "output", **to_builtins(output))
    event(
        "accuracy",
        "flat",
        **{
            name: getattr(section, name)
            for name in (*FLAT_METRICS, "top1_match", "top5_match", "match_within_1_percent")
        },
    )
    verdict = section.verdict
    for outcome in verdict.others:
        event("accuracy", "other-rule", rule=outcome.rule, passed=outcome.passed, detail=outcome.detail)
    level = "info" if verdict.passed else "error"
    event("accuracy", "verdict", level, rule=verdict.rule, passed=verdict.passed, reasons=verdict.reasons)
