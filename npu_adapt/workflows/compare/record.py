"""From the evidence to the record of a comparison: figures, verdict, and the reason of every null."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from npu_adapt.evidence import Journal
from npu_adapt.numerics.rules import FLOOR_MARGIN, one_percent
from npu_adapt.records import (
    ArithmeticReport,
    Compare,
    CompareLatency,
    Fact,
    Generation,
    InputInfo,
    ModeOutcome,
    OutputComparison,
    Soak,
    Term,
)
from npu_adapt.workflows.compare.evidence import Evidence
from npu_adapt.workflows.compare.facts import ReasonId, reason
from npu_adapt.workflows.compare.floor import with_floor
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.outputs import FLAT_METRICS, class_matches, compare_outputs, flat_metrics
from npu_adapt.workflows.compare.verdict import give_verdict

FLOOR_FIELDS = ("noise_floor", "error_over_floor", "float64_relative_l2")
MATCHES = ("top1_match", "top5_match", "match_within_1_percent")


def compare_section(
    evidence: Evidence, options: CompareOptions, *, candidate: str, inputs: tuple[InputInfo, ...]
) -> tuple[Compare, dict[str, Fact]]:
    """The compare section and the reasons of its nulls."""
    compared, worst_outputs = compare_outputs(evidence.reference, evidence.candidate, dtype=evidence.dtype)
    outputs = _with_floors(compared, evidence)
    top1, top5 = class_matches(
        evidence.reference,
        evidence.candidate,
        dtype=evidence.dtype,
        class_scores=evidence.class_scores,
        noise=_class_noise(evidence),
    )
    one = one_percent(outputs, top1_match=top1, top5_match=top5)
    operators = evidence.operators
    section = Compare(
        reference=evidence.reference_device,
        candidate=candidate,
        samples=len(evidence.candidate),
        **flat_metrics(outputs),
        top1_match=top1,
        top5_match=top5,
        match_within_1_percent=one.passed,
        match_basis=one.terms,
        outputs=outputs,
        worst_outputs=worst_outputs,
        verdict=give_verdict(evidence, outputs, options, top1_match=top1, top5_match=top5),
        inputs=inputs,
        latency=evidence.latency if isinstance(evidence.latency, CompareLatency) else None,
        arithmetic=evidence.arithmetic,
        repeats=evidence.repeats,
        operators=operators.findings,
        first_suspect=operators.first_suspect,
        operators_judged=operators.judged,
        operators_sampled=operators.sampled,
        operator_notes=operators.notes,
        depth=operators.depth,
        left_out=evidence.left_out,
        generation=evidence.generation,
        dequantised=evidence.dequantised,
        quantisation_loss=evidence.quantisation_loss,
        modes=evidence.modes,
        repro=evidence.repro,
        soak=evidence.soak,
        overlaps=evidence.overlaps,
    )
    return section, _reasons(evidence, section, options)


def log_comparison(journal: Journal, section: Compare) -> None:
    """The comparison as events of accuracy_compare.log."""
    event = journal.event
    for output in section.outputs:
        event("accuracy", "output", **to_builtins(output))
    event("accuracy", "flat", **{name: getattr(section, name) for name in (*FLAT_METRICS, *MATCHES)})
    if section.arithmetic is not None:
        _log_arithmetic(journal, section.arithmetic)
    if section.repeats is not None:
        event("accuracy", "repeats", **to_builtins(section.repeats))
    for overlap in section.overlaps:
        event("accuracy", "overlap", **to_builtins(overlap))
    for finding in section.operators:
        event("accuracy", "operator-failed", "error", **to_builtins(finding))
    if section.generation is not None:
        log_generation(journal, section.generation)
    for kind, facts in (("operator-note", section.operator_notes), ("left-out", section.left_out)):
        for fact in facts:
            event("accuracy", kind, "warning", id=fact.id, **fact.values)
    _log_what_was_asked(journal, section)
    verdict = section.verdict
    for rule, terms in ((verdict.rule, verdict.terms), *((other.rule, other.terms) for other in verdict.others)):
        for each in terms:
            _log_term(journal, rule, each)
    for outcome in verdict.others:
        event("accuracy", "other-rule", rule=outcome.rule, passed=outcome.passed)
    level = "info" if verdict.passed else "error"
    event("accuracy", "verdict", level, rule=verdict.rule, passed=verdict.passed)


def _log_what_was_asked(journal: Journal, section: Compare) -> None:
    """What only some comparisons hold: quantised weights, modes, forwards under load, and cases to hand on."""
    event = journal.event
    if section.dequantised is not None:
        event("accuracy", "dequantised", **to_builtins(section.dequantised))
    if (loss := section.quantisation_loss) is not None:
        for output in loss.outputs:
            event("accuracy", "quantisation-loss", original=loss.original, **to_builtins(output))
    if section.soak is not None:
        log_soak(journal, section.soak)
    for case in () if section.repro is None else section.repro.cases:
        event("accuracy", "repro-case", **to_builtins(case))
    for mode in section.modes:
        event("accuracy", "mode", "info" if mode.status in ("passed", "absent") else "error", **_mode_fields(mode))


def _log_arithmetic(journal: Journal, report: ArithmeticReport) -> None:
    event = journal.event
    for kind, found in (("probe", report.readings), ("convolution", report.convolutions), ("sum-order", report.sums)):
        for each in found:
            event("accuracy", kind, **to_builtins(each))
    event("accuracy", "arithmetic", asked=report.asked, judged_at=report.judged_at, exp_overflows=report.exp_overflows)
    for arithmetic in report.fits or ():
        event("accuracy", "fits", arithmetic=arithmetic)


def log_generation(journal: Journal, generation: Generation) -> None:
    """What both sides wrote as events of accuracy_compare.log, with the tokens that differ."""
    event = journal.event
    for fact in generation.settings:
        event("accuracy", "generation-setting", "info", id=fact.id, **fact.values)
    for text in generation.texts:
        event(
            "accuracy",
            "generated",
            sample=text.sample,
            reference=text.reference_text,
            candidate=text.candidate_text,
            reference_tokens=text.reference_tokens,
            candidate_tokens=text.candidate_tokens,
            parts_at=text.parts_at,
        )
    for kind, records in (("token-flip", generation.flips), ("invariance", generation.invariance)):
        for each in records:
            event("accuracy", kind, **to_builtins(each))
    positions, may, did = generation.positions, generation.may_flip, generation.did_flip
    event("accuracy", "generation", positions=positions, may_flip=may, did_flip=did)
    if generation.suspect is not None:
        event("accuracy", "generation-suspect", "error", **to_builtins(generation.suspect))


def log_soak(journal: Journal, soak: Soak) -> None:
    """Forwards under load as events of accuracy_compare.log, with where bits changed and what the device told."""
    event = journal.event
    about = to_builtins(soak)
    for kind, name, level in (("soak-place", "places", "error"), ("soak-reading", "readings", "info")):
        for each in about.pop(name):
            event("accuracy", kind, level, **each)
    event("accuracy", "soak", "error" if soak.changed else "info", **about)


def _mode_fields(mode: ModeOutcome) -> dict[str, Any]:
    """A mode's outcome as fields of a log line; its checks by the ids of those that failed."""
    why = {} if mode.reason is None else {"reason": mode.reason.id, **mode.reason.values}
    suspect = {} if mode.suspect is None else to_builtins(mode.suspect)
    return {
        "mode": mode.mode,
        "status": mode.status,
        "compiler": mode.compiler,
        "checks": len(mode.checks),
        "failed": ",".join(check.check for check in mode.checks if not check.passed),
        "graphs": mode.graphs,
        "graph_breaks": len(mode.graph_breaks),
        "seconds": mode.seconds,
        **why,
        **{f"suspect_{name}": value for name, value in suspect.items()},
    }


def _log_term(journal: Journal, rule: str, term: Term) -> None:
    about = {"place": term.place or None, "value": term.value, "limit": term.limit}
    level = "info" if term.holds else "error"
    journal.event("accuracy", "term", level, rule=rule, id=term.id, holds=term.holds, **about, **term.values)


def _with_floors(outputs: tuple[OutputComparison, ...], evidence: Evidence) -> tuple[OutputComparison, ...]:
    if evidence.floor is None:
        return outputs
    samples = evidence.floor.samples
    return tuple(with_floor(output, samples) for output in outputs)


def _class_noise(evidence: Evidence) -> tuple[float, ...]:
    """How far a passing device's class scores may be off, sample by sample; nothing where there is no floor."""
    scores = evidence.class_scores
    if scores is None or evidence.floor is None:
        return ()
    return tuple(FLOOR_MARGIN * (sample[scores].floor or 0.0) for sample in evidence.floor.samples)


def _reasons(evidence: Evidence, section: Compare, options: CompareOptions) -> dict[str, Fact]:
    """Why fields of the section are null."""
    absent: dict[str, ReasonId] = {}

    def say(why: ReasonId, *fields: str) -> None:
        absent.update(dict.fromkeys(fields, why))

    if section.top1_match is None:
        say("no-class-scores", "top1_match", "top5_match")
    elif section.top5_match is None:
        say("fewer-than-five-classes", "top5_match")
    if section.arithmetic is None:
        say("fast", "arithmetic")
    elif section.arithmetic.fits is None:
        say("rehearsal-arithmetic-known" if evidence.rehearsed else "fits-only-float32", "arithmetic.fits")
    if section.repeats is None:
        say("fast", "repeats")
    if section.generation is None and options.generate is not None:
        say("random-model", "generation")
    if section.soak is None and options.soak is not None:
        say("random-model", "soak")
    suspect = _why_no_suspect(evidence, section)
    say(suspect, *(name for name in ("first_suspect", "depth") if getattr(section, name) is None))
    if evidence.floor is None:
        floor: ReasonId = "random-model" if evidence.is_random else "fast"
        say(floor, *(f"outputs.{name}" for name in FLOOR_FIELDS))
    say("not-finite", *(name for name in FLAT_METRICS if getattr(section, name) is None))
    for at, output in enumerate(section.outputs):
        if output.unequal is not None and evidence.floor is not None:
            say("compared-exactly", *(f"outputs.{at}.{name}" for name in FLOOR_FIELDS))
    found = {f"compare.{name}": reason(why) for name, why in absent.items()}
    return found | _reason_of_latency(evidence) | _reasons_of_divergences(section)


def _why_no_suspect(evidence: Evidence, section: Compare) -> ReasonId:
    if evidence.rehearsed:
        return "rehearsal-judges-no-operators"
    if section.operators_judged:
        return "no-operator-failed"
    return "fast" if section.repeats is None else "operators-not-judged"


def _reason_of_latency(evidence: Evidence) -> dict[str, Fact]:
    if isinstance(evidence.latency, CompareLatency):
        return {}
    known = evidence.latency or reason("rehearsal-times-no-device" if evidence.rehearsed else "fast")
    return {"compare.latency": known}


def _reasons_of_divergences(section: Compare) -> dict[str, Fact]:
    """Why findings that come from forwards beside each other have no figures."""
    found = {f"compare.operators.{at}": finding for at, finding in enumerate(section.operators)}
    if section.first_suspect is not None:
        found["compare.first_suspect"] = section.first_suspect
    why = reason("two-forwards-differ")
    fields = ("error_over_floor", "reference", "candidate")
    return {f"{path}.{field}": why for path, finding in found.items() if finding.is_divergence for field in fields}
