"""The verdict: one rule decides, the others' outcomes stand beside it, and every term is said with its value.

It reads records only, so that a saved comparison is judged exactly as a fresh one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from npu_adapt import rounding
from npu_adapt.numerics.arithmetic import ARITHMETICS, COARSEST_UNASKED, is_coarser
from npu_adapt.numerics.rules import Term, field_rule, noise_floor_rule, one_percent, tolerance_rule
from npu_adapt.records import ArithmeticReport, OperatorFinding, OutputComparison, Repeats, RuleOutcome, Verdict
from npu_adapt.workflows.compare.options import CompareOptions

# Two forwards of one input on one CPU differ by rounding at most; more than this, and the model itself is random.
RANDOM_SPREAD = 1e-4
OPERATORS_NAMED = 3


@dataclass(frozen=True)
class Facts:
    """All that the rules look at."""

    outputs: tuple[OutputComparison, ...]
    top1_match: bool | None
    top5_match: bool | None
    outside: dict[str, int]  # output -> elements outside the tolerance
    dtype: torch.dtype
    arithmetic: ArithmeticReport | None = None
    finer_hint: str = ""  # how this device is made to compute in float32
    repeats: Repeats | None = None
    operators: tuple[OperatorFinding, ...] = ()  # those that failed
    random_operators: tuple[str, ...] = ()  # "dropout in encoder.layer.0"
    rehearsed: bool = False

    @property
    def is_random(self) -> bool:
        """Whether the model gives another result each time, on the reference itself."""
        return self.repeats is not None and self.repeats.reference_spread > RANDOM_SPREAD


def give_verdict(facts: Facts, options: CompareOptions) -> Verdict:
    """The verdict by `options.rule`.

    `--fast` has no floor and takes the field's rule; a rehearsal, which meets the floor by construction, takes the 1 %
    rule instead of it.
    """
    rtol, atol = options.tolerances
    outcomes = [
        *([] if options.fast else [_noise_floor(facts, options)]),
        one_percent(facts.outputs, top1_match=facts.top1_match, top5_match=facts.top5_match),
        field_rule(facts.outputs),
        tolerance_rule(facts.outside, rtol=rtol, atol=atol),
    ]
    decisive = next(
        outcome for outcome in outcomes if outcome.rule == deciding_rule(options, rehearsed=facts.rehearsed)
    )
    broken = [text for text, holds in _preconditions(facts, options) if not holds]
    reasons = tuple(dict.fromkeys((*broken, *decisive.detail.split("; "))))
    return Verdict(
        passed=decisive.passed and not broken,
        rule=decisive.rule,
        reasons=reasons,
        others=tuple(outcome for outcome in outcomes if outcome is not decisive),
    )


def deciding_rule(options: CompareOptions, *, rehearsed: bool) -> str:
    """The name of the rule that decides."""
    if options.rule != "noise-floor":
        return options.rule
    if rehearsed:
        return "one-percent"
    return "field" if options.fast else "noise-floor"


def _noise_floor(facts: Facts, options: CompareOptions) -> RuleOutcome:
    if facts.rehearsed:
        return RuleOutcome(
            rule="noise-floor",
            passed=True,
            detail="met by construction: the rehearsal is one of the emulations that the floor is made of",
        )
    findings = [*_preconditions(facts, options), *_arithmetic_terms(facts), *_repeat_terms(facts), *_operators(facts)]
    return noise_floor_rule(facts.outputs, findings)


def _preconditions(facts: Facts, options: CompareOptions) -> list[Term]:
    """What must hold under every rule: a reference that says something, and the arithmetic that was asked for."""
    terms: list[Term] = [
        (f"the reference itself holds {output.reference_nans} NaN in {output.name}: there is nothing to compare", False)
        for output in facts.outputs
        if output.reference_nans
    ]
    repeats = facts.repeats
    if repeats is not None and facts.is_random:
        share = f"{100 * repeats.reference_differing:.3g} %"
        drawn = ", ".join(facts.random_operators[:OPERATORS_NAMED])
        text = (
            f"the model's forward is random: {repeats.forwards} forwards of the same input on the reference differ in "
            f"{share} of the elements ({drawn or 'is dropout left on, or does it sample?'})"
        )
        terms.append((text, False))
    return terms + (_arithmetic_terms(facts) if options.arithmetic != "auto" else [])


def _arithmetic_terms(facts: Facts) -> list[Term]:
    """Each class that the model uses: what the device computes it in, and whether it may."""
    report = facts.arithmetic
    if report is None or report.found is None:
        return []
    asked = report.asked
    limit = ARITHMETICS[COARSEST_UNASKED[facts.dtype] if asked == "auto" else asked]
    readings = {reading.operators: reading for reading in report.readings}
    terms: list[Term] = []
    for operators in ("matmul", "conv", "attention"):
        reading = readings.get(operators)
        name = getattr(report.found, operators)
        if reading is None or name is None:
            continue
        exactly = "" if reading.rounding == "none" else f" ({reading.operand_bits} bits, {reading.rounding})"
        text = f"{operators} computes in {name}{exactly}"
        if is_coarser(ARITHMETICS[name], limit):
            wanted = "asked for" if asked != "auto" else "that a model of its type may get unasked"
            hint = f": {facts.finer_hint}" if facts.finer_hint and limit.name == "float32" else ""
            terms.append((f"{text}, coarser than the {limit.name} {wanted}{hint}", False))
        else:
            terms.append((text, True))
    return terms


def _repeat_terms(facts: Facts) -> list[Term]:
    repeats = facts.repeats
    if repeats is None or facts.is_random:
        return []
    divergence = next((finding for finding in facts.operators if finding.is_divergence), None)
    where = "" if divergence is None else f"first in {divergence.module} ({divergence.operator})"
    if repeats.candidate_differing:
        share = f"{100 * repeats.candidate_differing:.3g} %"
        text = f"not deterministic: {repeats.forwards} forwards differ in {share} of the elements"
        return [(f"{text}, {where}" if where else text, False)]
    if where:
        return [(f"not deterministic: {repeats.forwards} forwards give the same and differ inside, {where}", False)]
    return [(f"{repeats.forwards} forwards equal to the bit", True)]


def _operators(facts: Facts) -> list[Term]:
    """The operators that failed alone, the first ones by name."""
    alone = [finding for finding in facts.operators if not finding.is_divergence]
    if not alone:
        return []
    named = []
    for finding in alone[:OPERATORS_NAMED]:
        over = "" if finding.error_over_floor is None else f" at {rounding.ratio(finding.error_over_floor)} floors"
        named.append(f"{finding.module} ({finding.operator}, {finding.test}{over})")
    more = len(alone) - len(named)
    return [(f"operators that fail alone: {', '.join(named)}{f' and {more} more' if more else ''}", False)]
