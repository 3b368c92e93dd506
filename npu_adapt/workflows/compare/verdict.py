"""The verdict: one rule decides, the others' outcomes stand beside it, and every term has its value.

Nothing is measured here, so that a saved comparison is judged exactly as a fresh one.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from npu_adapt.numerics.arithmetic import ARITHMETICS, COARSEST_UNASKED, OPERATOR_CLASSES, is_coarser
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.numerics.metrics import outside_tolerance
from npu_adapt.numerics.quantisation_rules import dequantised_terms
from npu_adapt.numerics.rules import (
    ONE_PERCENT,
    TermId,
    field_rule,
    mode_terms,
    noise_floor_rule,
    one_percent,
    soak_terms,
    term,
    tolerance_rule,
)
from npu_adapt.numerics.token_rules import generation_terms
from npu_adapt.records import OperatorFinding, OutputComparison, RuleOutcome, Term, Verdict
from npu_adapt.workflows.compare.evidence import Evidence
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.outputs import rounded

OPERATORS_NAMED = 3


def give_verdict(
    evidence: Evidence,
    outputs: tuple[OutputComparison, ...],
    options: CompareOptions,
    *,
    top1_match: bool | None,
    top5_match: bool | None,
) -> Verdict:
    """The verdict by `options.rule`.

    `--fast` has no floor and takes the field's rule; a rehearsal, which meets the floor by construction, takes the 1 %
    rule instead of it, unless a correct device of the model's type could not meet that either.
    """
    rtol, atol = options.tolerances
    outcomes = [
        *([] if options.fast else [_noise_floor(evidence, outputs, options)]),
        one_percent(outputs, top1_match=top1_match, top5_match=top5_match),
        field_rule(outputs),
        tolerance_rule(_outside(evidence, rtol, atol), rtol=rtol, atol=atol),
    ]
    rule = deciding_rule(evidence, outputs, options)
    decisive = next(outcome for outcome in outcomes if outcome.rule == rule)
    unmet = [each for each in _preconditions(evidence, outputs, options) if not each.holds]
    return Verdict(
        passed=decisive.passed and not unmet,
        rule=rule,
        terms=_each_once((*unmet, *decisive.terms, *_limits_of_type(evidence, options, decisive))),
        others=tuple(outcome for outcome in outcomes if outcome is not decisive),
    )


def deciding_rule(evidence: Evidence, outputs: tuple[OutputComparison, ...], options: CompareOptions) -> str:
    """The name of the rule that decides."""
    if options.rule != "noise-floor":
        return options.rule
    if evidence.rehearsed:
        return "one-percent" if _above_one_percent(evidence, outputs) is None else "noise-floor"
    return "field" if options.fast else "noise-floor"


def _noise_floor(evidence: Evidence, outputs: tuple[OutputComparison, ...], options: CompareOptions) -> RuleOutcome:
    if not evidence.rehearsed:
        findings = (
            *_preconditions(evidence, outputs, options),
            *_arithmetic_terms(evidence),
            *_repeat_terms(evidence),
            *_operator_terms(evidence),
        )
        return noise_floor_rule(outputs, _each_once(findings))
    far = _above_one_percent(evidence, outputs)
    if far is None:  # the rehearsal is one of the emulations that the floor is made of
        return RuleOutcome(rule="noise-floor", passed=True, terms=(term("met-by-construction", True),))
    floor = term("type-floor", True, far.name, far.noise_floor, ONE_PERCENT, dtype=dtype_name(evidence.dtype))
    return noise_floor_rule(outputs, [floor])


def _above_one_percent(evidence: Evidence, outputs: tuple[OutputComparison, ...]) -> OutputComparison | None:
    """The output that a correct device of the model's own type may get wrong by more than 1 %; None: there is none.

    A float32 model, or an arithmetic coarser than the model's type, is not excused.
    """
    held_to = evidence.arithmetic.judged_at if evidence.arithmetic is not None else None
    if evidence.dtype == torch.float32 or held_to not in ARITHMETICS:
        return None
    if is_coarser(ARITHMETICS[held_to], ARITHMETICS[COARSEST_UNASKED[evidence.dtype]]):
        return None
    worst = max(outputs, key=lambda output: output.noise_floor or 0.0)
    return worst if (worst.noise_floor or 0.0) > ONE_PERCENT else None


def _limits_of_type(evidence: Evidence, options: CompareOptions, decisive: RuleOutcome) -> tuple[Term, ...]:
    """Without a floor nobody knows whether a half type can meet 1 %; that is said where 1 % failed it."""
    unknown = evidence.rehearsed and options.fast and evidence.dtype != torch.float32
    if not unknown or decisive.rule != "one-percent" or decisive.passed:
        return ()
    return (term("type-floor-unknown", True, limit=ONE_PERCENT, dtype=dtype_name(evidence.dtype)),)


def _preconditions(evidence: Evidence, outputs: tuple[OutputComparison, ...], options: CompareOptions) -> list[Term]:
    """What must hold under every rule: a reference that says something, the arithmetic and the modes asked for."""
    terms = [
        term("reference-nan", False, output.name, output.reference_nans, 0)
        for output in outputs
        if output.reference_nans
    ]
    repeats = evidence.repeats
    if repeats is not None and evidence.is_random:
        drawn = evidence.operators.random[:OPERATORS_NAMED]
        share = repeats.reference_differing or 0.0
        if repeats.stateful:
            terms.append(term("stateful-forward", False, "", share, 0.0, forwards=repeats.forwards))
        elif drawn:
            terms.append(term("random-forward", False, "", share, 0.0, forwards=repeats.forwards, operators=drawn))
        else:
            terms.append(term("random-forward-unexplained", False, "", share, 0.0, forwards=repeats.forwards))
    arithmetic = _arithmetic_terms(evidence) if options.arithmetic != "auto" else []
    written = () if evidence.generation is None else generation_terms(evidence.generation)
    ran = (*mode_terms(evidence.modes), *soak_terms(evidence.soak))
    return [*terms, *dequantised_terms(evidence.dequantised), *written, *arithmetic, *ran]


def _arithmetic_terms(evidence: Evidence) -> list[Term]:
    """Each class that the model uses: what the device computes it in, and whether it may."""
    report = evidence.arithmetic
    if report is None or report.found is None:
        return []
    is_asked = report.asked != "auto"
    limit = ARITHMETICS[report.asked if is_asked else COARSEST_UNASKED[evidence.dtype]]
    readings = {reading.operators: reading for reading in report.readings}
    terms = []
    for operators in OPERATOR_CLASSES:
        reading, found = readings.get(operators), getattr(report.found, operators)
        if reading is None or found is None:
            continue
        terms.append(
            term(
                "arithmetic",
                not is_coarser(ARITHMETICS[found], limit),
                operators,
                found,
                limit.name,
                bits=reading.operand_bits,
                rounding="" if reading.rounding == "none" else reading.rounding,
                limit_from="asked" if is_asked else "unasked",
                hint=evidence.finer_hint if limit.name == "float32" else "",
            )
        )
    return terms


def _repeat_terms(evidence: Evidence) -> list[Term]:
    repeats = evidence.repeats
    if repeats is None or evidence.is_random:
        return []
    forwards, share = repeats.forwards, repeats.candidate_differing
    first = next((finding for finding in evidence.operators.findings if finding.differs or finding.is_divergence), None)
    if first is None:
        return [term("deterministic", share == 0, "", share, 0.0, forwards=forwards)]
    id_of_first: TermId = "differs-from" if share else "differs-inside"
    return [term(id_of_first, False, first.module, share, 0.0, forwards=forwards, operator=first.operator)]


def _operator_terms(evidence: Evidence) -> list[Term]:
    """The operators that failed alone: the first ones, and how many more."""
    alone = [finding for finding in evidence.operators.findings if not finding.is_divergence]
    terms = [_failed(finding) for finding in alone[:OPERATORS_NAMED]]
    more = len(alone) - len(terms)
    return [*terms, term("operators-failed", False, "", more, 0)] if more else terms


def _failed(finding: OperatorFinding) -> Term:
    """`operator-wrong` where there is no ratio to a floor: a result that must be exact, or is not finite."""
    return term(
        "operator-wrong" if finding.error_over_floor is None else "operator-failed",
        False,
        finding.module,
        finding.error_over_floor,
        operator=finding.operator,
        test=finding.test,
        index=finding.index,
        sample=finding.sample,
    )


def _outside(evidence: Evidence, rtol: float, atol: float) -> dict[str, int]:
    """Elements of each output, all samples together, outside the tolerance rule's bound."""
    counts: dict[str, int] = {}
    for reference, candidate in zip(evidence.reference, evidence.candidate, strict=True):
        for name, expected in reference.items():
            outside = outside_tolerance(candidate[name], rounded(expected, evidence.dtype), rtol=rtol, atol=atol)
            counts[name] = counts.get(name, 0) + outside
    return counts


def _each_once(terms: Iterable[Term]) -> tuple[Term, ...]:
    found: list[Term] = []
    for each in terms:
        if each not in found:
            found.append(each)
    return tuple(found)
