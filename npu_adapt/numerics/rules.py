"""Rules that say pass or fail of a comparison's figures. Each gives its outcome with every term and its value."""

from __future__ import annotations

from collections.abc import Sequence

from npu_adapt import rounding
from npu_adapt.records import OutputComparison, RuleOutcome

ONE_PERCENT = 0.01
FLOOR_MARGIN = 3.0  # noise floors; the worst of 416 correct runs was at 2.1
FIELD_COSINE = 0.99
FIELD_MEAN_ABS_DIFF = 0.005

Term = tuple[str, bool]  # what was looked at, with its value, and whether it holds


def one_percent(
    outputs: Sequence[OutputComparison], *, top1_match: bool | None = None, top5_match: bool | None = None
) -> RuleOutcome:
    """Relative L2 of every output at most 1 %, and the same best classes where there are class scores.

    Its detail is `match_basis`: each term with its value.
    """
    terms = [_term("relative L2", output, output.relative_l2, "<=", ONE_PERCENT) for output in outputs]
    terms += [(text, False) for output in outputs for text in _mismatch_texts(output)]
    for name, match in (("top-1", top1_match), ("top-5", top5_match)):
        if match is not None:
            terms.append((f"{name} {'the same' if match else 'differs'}", match))
    return _outcome("one-percent", terms)


def noise_floor_rule(outputs: Sequence[OutputComparison], findings: Sequence[Term] = ()) -> RuleOutcome:
    """Every output at most three noise floors from float64, and every one of the other findings.

    What does not hold comes first in its detail: findings, which are causes, before the outputs.
    """
    terms = [_floor_term(output) for output in outputs]
    terms += [(text, False) for output in outputs for text in _mismatch_texts(output)]
    failed = [term for term in (*findings, *terms) if not term[1]]
    return _outcome("noise-floor", [*failed, *(term for term in (*terms, *findings) if term[1])])


def field_rule(outputs: Sequence[OutputComparison]) -> RuleOutcome:
    """The field's older rule: cosine > 0.99 and mean_abs_diff < 0.005. It allows 14 % of error."""
    terms = []
    for output in outputs:
        terms.append(_term("cosine", output, output.cosine_similarity, ">", FIELD_COSINE))
        terms.append(_term("mean_abs_diff", output, output.mean_abs_diff, "<", FIELD_MEAN_ABS_DIFF))
    return _outcome("field", terms)


def tolerance_rule(outside: dict[str, int], *, rtol: float, atol: float) -> RuleOutcome:
    """No element outside atol + rtol * |reference|. `outside`: output name -> how many elements are."""
    terms = [
        (f"{count} elements of {name} outside rtol {rtol:g}, atol {atol:g}", count == 0)
        for name, count in outside.items()
    ]
    return _outcome("tolerance", terms)


_COMPARISONS = {"<=": float.__le__, "<": float.__lt__, ">": float.__gt__}


def _term(metric: str, output: OutputComparison, value: float | None, sign: str, limit: float) -> Term:
    if value is None:
        return f"{metric} of {output.name} does not exist", False
    shown = rounding.cosine(value) if metric == "cosine" else rounding.error(value)
    holds = bool(_COMPARISONS[sign](float(value), limit))
    return f"{metric} of {output.name} {shown} {sign if holds else 'not ' + sign} {limit:g}", holds


def _floor_term(output: OutputComparison) -> Term:
    over, error = output.error_over_floor, output.float64_relative_l2
    if over is None or error is None:
        missing = "noise floor" if output.noise_floor is None else "finite error"
        return f"{output.name} has no {missing}", False
    holds = over <= FLOOR_MARGIN
    bound = "at most" if holds else "more than"
    return (
        f"{output.name} is {rounding.ratio(over)} noise floors from float64 (relative L2 {rounding.error(error)}), "
        f"{bound} {FLOOR_MARGIN:g}",
        holds,
    )


def _mismatch_texts(output: OutputComparison) -> list[str]:
    counts = {"NaN": output.nan_mismatches, "infinities": output.inf_mismatches}
    return [f"{count} {what} of {output.name} stand on one side only" for what, count in counts.items() if count]


def _outcome(rule: str, terms: Sequence[Term]) -> RuleOutcome:
    return RuleOutcome(rule=rule, passed=all(holds for _, holds in terms), detail="; ".join(text for text, _ in terms))
