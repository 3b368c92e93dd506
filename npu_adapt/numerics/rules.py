"""Rules that say pass or fail of a comparison's figures. Each gives its outcome as terms: facts, no sentence.

`TermId` lists every term that a rule may give; `report/phrases/compare` has the words of each.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Literal

from npu_adapt.records import ModeOutcome, OutputComparison, RuleOutcome, Soak, Term, Value

ONE_PERCENT = 0.01
FLOOR_MARGIN = 3.0  # noise floors; the worst of 3,132 correct devices was at 2.5
FIELD_COSINE = 0.99
FIELD_MEAN_ABS_DIFF = 0.005

TermId = Literal[
    # of an output's figures
    "relative-l2",
    "cosine",
    "mean-abs-diff",
    "noise-floor",
    "outside-tolerance",
    "no-figure",
    "nan-mismatches",
    "inf-mismatches",
    "equal",
    # of the class scores
    "top-1",
    "top-5",
    # of the run behind the figures
    "met-by-construction",
    "type-floor",
    "type-floor-unknown",
    "reference-nan",
    "random-forward",
    "random-forward-unexplained",
    "stateful-forward",
    "arithmetic",
    "deterministic",
    "differs-from",
    "differs-inside",
    "operator-failed",
    "operator-wrong",
    "operators-failed",
    # of what both sides wrote
    "token-flip",
    "token-flips",
    "position-error",
    "cache-error",
    "invariance",
    # of quantised weights
    "dequantised",
    # of the modes beyond eager
    "mode",
    "mode-part",
    "mode-differs",
    "mode-failed-to-run",
    # of forwards under load
    "soak",
]


def term(id: TermId, holds: bool, place: str = "", value: Value = None, limit: Value = None, **values: Value) -> Term:
    """A term of one of the known ids; `values` are what else its words need."""
    return Term(id=id, holds=holds, place=place, value=value, limit=limit, values=values)


def one_percent(
    outputs: Sequence[OutputComparison], *, top1_match: bool | None = None, top5_match: bool | None = None
) -> RuleOutcome:
    """Relative L2 of every output at most 1 %, and the same best classes where there are class scores.

    Whole numbers and booleans must be equal. Its terms are `match_basis`.
    """
    terms = [
        _equal(output) or _bounded("relative-l2", output, "relative_l2", operator.le, ONE_PERCENT) for output in outputs
    ]
    terms += [mismatch for output in outputs for mismatch in _mismatches(output)]
    if top1_match is not None:
        terms.append(term("top-1", top1_match))
    if top5_match is not None:
        terms.append(term("top-5", top5_match))
    return _outcome("one-percent", terms)


def noise_floor_rule(outputs: Sequence[OutputComparison], findings: Sequence[Term] = ()) -> RuleOutcome:
    """Every output at most three noise floors from float64, and every one of the other findings.

    Whole numbers and booleans must be equal. What does not hold comes first among its terms: findings, which are
    causes, before the outputs.
    """
    terms = [_equal(output) or _floor_term(output) for output in outputs]
    terms += [mismatch for output in outputs for mismatch in _mismatches(output)]
    failed = [each for each in (*findings, *terms) if not each.holds]
    return _outcome("noise-floor", [*failed, *(each for each in (*terms, *findings) if each.holds)])


def mode_terms(outcomes: Sequence[ModeOutcome]) -> list[Term]:
    """What each mode that was asked for came to; nothing of one that the device does not have.

    "mode-part" names the smallest submodule that fails in it, and which input showed it; "mode-differs" the first
    operator that gives other bits in another replay.
    """
    terms = []
    for each in outcomes:
        found = each.suspect
        if each.status == "failed-to-run":
            terms.append(term("mode-failed-to-run", False, each.mode))
        elif each.divergence is not None:
            parted = each.divergence
            about = {"mode": each.mode, "check": parted.check, "operator": parted.operator}
            terms.append(term("mode-differs", False, parted.module, **about))
        elif found is not None:
            about = {"mode": each.mode, "check": found.check}
            terms.append(term("mode-part", False, found.module, found.error_over_floor, FLOOR_MARGIN, **about))
        elif each.status != "absent":
            failed = sum(not check.passed for check in each.checks)
            terms.append(term("mode", not failed, each.mode, failed, 0))
    return terms


def soak_terms(soak: Soak | None) -> list[Term]:
    """Whether all forwards under load had the same bits, and the first operator that had not; nothing: none ran."""
    if soak is None:
        return []
    about: dict[str, Value] = {"forwards": soak.forwards, "seconds": soak.seconds}
    if not soak.places:
        return [term("soak", soak.changed == 0, "", soak.changed, 0, **about)]
    first = soak.places[0]
    return [term("soak", False, first.module, soak.changed, 0, **about, operator=first.operator)]


def field_rule(outputs: Sequence[OutputComparison]) -> RuleOutcome:
    """The field's older rule: cosine > 0.99 and mean_abs_diff < 0.005. It allows 14 % of error.

    Whole numbers and booleans must be equal.
    """
    terms = []
    for output in outputs:
        equal = _equal(output)
        if equal is not None:
            terms.append(equal)
            continue
        terms.append(_bounded("cosine", output, "cosine_similarity", operator.gt, FIELD_COSINE))
        terms.append(_bounded("mean-abs-diff", output, "mean_abs_diff", operator.lt, FIELD_MEAN_ABS_DIFF))
    return _outcome("field", terms)


def tolerance_rule(outside: dict[str, int], *, rtol: float, atol: float) -> RuleOutcome:
    """No element outside atol + rtol * |reference|. `outside`: output name -> how many elements are."""
    terms = [
        term("outside-tolerance", count == 0, name, count, 0, rtol=rtol, atol=atol) for name, count in outside.items()
    ]
    return _outcome("tolerance", terms)


def _bounded(
    id: TermId, output: OutputComparison, metric: str, holds: Callable[[float, float], bool], limit: float
) -> Term:
    value = getattr(output, metric)
    if value is None:
        return term("no-figure", False, output.name, metric=metric)
    return term(id, holds(value, limit), output.name, value, limit)


def _floor_term(output: OutputComparison) -> Term:
    over, error = output.error_over_floor, output.float64_relative_l2
    if over is None or error is None:
        metric = "noise_floor" if output.noise_floor is None else "float64_relative_l2"
        return term("no-figure", False, output.name, metric=metric)
    return term("noise-floor", over <= FLOOR_MARGIN, output.name, over, FLOOR_MARGIN, error=error)


def _equal(output: OutputComparison) -> Term | None:
    """The one term of an output of whole numbers or booleans; None: it is floating."""
    return None if output.unequal is None else term("equal", output.unequal == 0, output.name, output.unequal, 0)


def _mismatches(output: OutputComparison) -> list[Term]:
    """What fails whatever the error is: values that are not finite on one side only."""
    counts: dict[TermId, int] = {
        "nan-mismatches": output.nan_mismatches,
        "inf-mismatches": output.inf_mismatches,
    }
    return [term(id, False, output.name, count, 0) for id, count in counts.items() if count]


def _outcome(rule: str, terms: Sequence[Term]) -> RuleOutcome:
    return RuleOutcome(rule=rule, passed=all(each.holds for each in terms), terms=tuple(terms))
