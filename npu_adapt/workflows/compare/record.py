"""From what was measured, or saved, to the record of a comparison: figures, verdict, and the reason of every null."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from msgspec import to_builtins

from npu_adapt.evidence import Journal
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.metrics import outside_tolerance
from npu_adapt.numerics.rules import FLOOR_MARGIN, one_percent
from npu_adapt.records import (
    ArithmeticFound,
    ArithmeticReport,
    Compare,
    CompareLatency,
    InputInfo,
    OutputComparison,
    Repeats,
)
from npu_adapt.workflows.compare.floor import EndToEnd, Measured, with_floor, worst_of
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.outputs import FLAT_METRICS, class_matches, compare_outputs
from npu_adapt.workflows.compare.probing import Probed
from npu_adapt.workflows.compare.saved_outputs import SavedOutputs
from npu_adapt.workflows.compare.suspects import Operators
from npu_adapt.workflows.compare.verdict import Facts, give_verdict

MATCHES = ("top1_match", "top5_match", "match_within_1_percent")


@dataclass(frozen=True)
class Evidence:
    """All that a verdict is given on."""

    saved: SavedOutputs
    measured: tuple[dict[str, Measured], ...]  # for each sample, by output; empty: no floor
    dtype: torch.dtype
    reference: str
    arithmetic: ArithmeticReport | None  # None: not probed (--fast)
    finer_hint: str
    repeats: Repeats | None  # None: one forward only (--fast)
    latency: CompareLatency | None  # None: not measured warm on both sides
    rehearsed: bool
    operators: Operators = field(default_factory=Operators)
    left_out: tuple[str, ...] = ()


def judge(
    evidence: Evidence, options: CompareOptions, *, candidate: str, inputs: tuple[InputInfo, ...]
) -> tuple[Compare, dict[str, str]]:
    """The compare section and the reasons of its nulls."""
    saved = evidence.saved
    comparison = compare_outputs(saved.reference, saved.candidate, dtype=evidence.dtype)
    outputs = _with_floors(comparison.outputs, evidence.measured)
    top1, top5 = class_matches(
        saved.reference,
        saved.candidate,
        dtype=evidence.dtype,
        class_scores=evidence.saved.class_scores,
        noise=_class_noise(evidence),
    )
    facts = Facts(
        outputs=outputs,
        top1_match=top1,
        top5_match=top5,
        outside=_outside(saved, options, evidence.dtype),
        dtype=evidence.dtype,
        arithmetic=evidence.arithmetic,
        finer_hint=evidence.finer_hint,
        repeats=evidence.repeats,
        operators=evidence.operators.findings,
        random_operators=evidence.operators.random,
        rehearsed=evidence.rehearsed,
    )
    one = one_percent(outputs, top1_match=top1, top5_match=top5)
    section = Compare(
        reference=evidence.reference,
        candidate=candidate,
        samples=len(saved.candidate),
        max_abs_diff=comparison.flat["max_abs_diff"],
        mean_abs_diff=comparison.flat["mean_abs_diff"],
        cosine_similarity=comparison.flat["cosine_similarity"],
        relative_l2=comparison.flat["relative_l2"],
        top1_match=top1,
        top5_match=top5,
        match_within_1_percent=one.passed,
        match_basis=one.detail,
        outputs=outputs,
        worst_outputs=comparison.worst_outputs,
        verdict=give_verdict(facts, options),
        inputs=inputs,
        latency=evidence.latency,
        arithmetic=evidence.arithmetic,
        repeats=evidence.repeats,
        operators=evidence.operators.findings,
        first_suspect=evidence.operators.first_suspect,
        operators_judged=evidence.operators.judged,
        operator_notes=evidence.operators.notes,
        depth=evidence.operators.depth,
        left_out=evidence.left_out,
    )
    return section, _reasons(evidence, options, section, facts)


def arithmetic_report(
    asked: str, probed: Probed, judged_at: ArithmeticByClass, end_to_end: EndToEnd | None
) -> ArithmeticReport:
    """What was asked of the device's arithmetic and what was found, for the classes that the model uses."""
    used = None if end_to_end is None else end_to_end.operators

    def found(operators: str) -> str | None:
        reading = probed.readings.get(operators)
        return None if reading is None or (used is not None and operators not in used) else reading.arithmetic

    return ArithmeticReport(
        asked=asked,
        found=ArithmeticFound(matmul=found("matmul"), conv=found("conv"), attention=found("attention")),
        readings=probed.records(),
        exp_overflows=probed.exp_overflows,
        judged_at=None if end_to_end is None else str(judged_at),
        fits=None if end_to_end is None else end_to_end.fits,
    )


def log_comparison(journal: Journal, section: Compare) -> None:
    """The comparison as events of accuracy_compare.log."""
    event = journal.event
    for output in section.outputs:
        event("accuracy", "output", **to_builtins(output))
    event("accuracy", "flat", **{name: getattr(section, name) for name in (*FLAT_METRICS, *MATCHES)})
    if section.arithmetic is not None:
        for reading in section.arithmetic.readings:
            event("accuracy", "probe", **to_builtins(reading))
        report = section.arithmetic
        event("accuracy", "arithmetic", asked=report.asked, judged_at=report.judged_at, fits=report.fits)
    if section.repeats is not None:
        event("accuracy", "repeats", **to_builtins(section.repeats))
    for finding in section.operators:
        event("accuracy", "operator-failed", "error", **to_builtins(finding))
    verdict = section.verdict
    for outcome in verdict.others:
        event("accuracy", "other-rule", rule=outcome.rule, passed=outcome.passed, detail=outcome.detail)
    level = "info" if verdict.passed else "error"
    event("accuracy", "verdict", level, rule=verdict.rule, passed=verdict.passed, reasons=verdict.reasons)


def _with_floors(
    outputs: tuple[OutputComparison, ...], measured: tuple[dict[str, Measured], ...]
) -> tuple[OutputComparison, ...]:
    return tuple(with_floor(output, worst_of(measured, output.name)) for output in outputs) if measured else outputs


def _class_noise(evidence: Evidence) -> tuple[float, ...]:
    """How far a passing device's class scores may be off, sample by sample; nothing where there is no floor."""
    if evidence.saved.class_scores is None:
        return ()
    return tuple(FLOOR_MARGIN * (sample[evidence.saved.class_scores].floor or 0.0) for sample in evidence.measured)


def _outside(saved: SavedOutputs, options: CompareOptions, dtype: torch.dtype) -> dict[str, int]:
    """Elements of each output, all samples together, outside the tolerance rule's bound."""
    rtol, atol = options.tolerances
    counts: dict[str, int] = {}
    for reference, candidate in zip(saved.reference, saved.candidate, strict=True):
        for name, expected in reference.items():
            rounded = expected.to(dtype) if expected.is_floating_point() else expected
            outside = outside_tolerance(candidate[name], rounded, rtol=rtol, atol=atol)
            counts[name] = counts.get(name, 0) + outside
    return counts


def _reasons(evidence: Evidence, options: CompareOptions, section: Compare, facts: Facts) -> dict[str, str]:
    """Why fields of the section are null."""
    classes = "the task has no class scores"
    fast = "not measured: --fast"
    floor = "the model is random, so it has no floor" if facts.is_random else fast
    suspect = "no operator failed" if section.operators_judged else fast
    if evidence.rehearsed:
        suspect = "a rehearsal judges no operators: they are the emulation itself"
    arithmetic = section.arithmetic
    absent = {
        "compare.top1_match": section.top1_match is None and classes,
        "compare.top5_match": section.top5_match is None
        and (classes if section.top1_match is None else "fewer than five classes"),
        "compare.latency": section.latency is None
        and ("a rehearsal times the CPU, not a device" if evidence.rehearsed else fast),
        "compare.arithmetic": arithmetic is None and fast,
        "compare.arithmetic.fits": arithmetic is not None
        and arithmetic.fits is None
        and ("the rehearsal's is known" if evidence.rehearsed else "worked out for float32 models"),
        "compare.repeats": section.repeats is None and fast,
        "compare.first_suspect": section.first_suspect is None and suspect,
        "compare.depth": section.depth is None and suspect,
        "compare.outputs.noise_floor": not evidence.measured and floor,
        "compare.outputs.error_over_floor": not evidence.measured and floor,
        "compare.outputs.float64_relative_l2": not evidence.measured and floor,
        **{
            f"compare.{name}": getattr(section, name) is None and "a NaN or an infinity on one side only"
            for name in FLAT_METRICS
        },
    }
    return {path: why for path, why in absent.items() if why} | _reasons_of_divergences(section)


def _reasons_of_divergences(section: Compare) -> dict[str, str]:
    """Why findings that come from forwards beside each other have no figures."""
    found = {f"compare.operators.{at}": finding for at, finding in enumerate(section.operators)}
    if section.first_suspect is not None:
        found["compare.first_suspect"] = section.first_suspect
    why = "two forwards of the same input differ here, of which no values are kept"
    fields = ("error_over_floor", "reference", "candidate")
    return {f"{path}.{field}": why for path, finding in found.items() if finding.is_divergence for field in fields}
