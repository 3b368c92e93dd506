"""What a comparison's figures derive from: the flat ones from the outputs, terms from figures, verdicts from terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import eq, ge, gt, le, lt
from typing import Any

from npu_adapt.consistency.contradiction import Contradiction, held, same
from npu_adapt.consistency.generation import of_generation
from npu_adapt.consistency.overlap import of_overlaps
from npu_adapt.consistency.quantisation import of_quantisation
from npu_adapt.consistency.repro import of_repro
from npu_adapt.consistency.soak import of_soak
from npu_adapt.numerics.rules import (
    FIELD_COSINE,
    FIELD_MEAN_ABS_DIFF,
    FLOOR_MARGIN,
    ONE_PERCENT,
    field_rule,
    mode_terms,
    noise_floor_rule,
    one_percent,
)
from npu_adapt.records import TEXT, Compare, Depth, OutputComparison, RuleOutcome, Summary, Term

# A flat metric, and which of two values of it is the worse one; one that does not exist is the worst.
FLAT: dict[str, Callable[[Any, Any], bool]] = {
    "max_abs_diff": gt,
    "mean_abs_diff": gt,
    "cosine_similarity": lt,
    "relative_l2": gt,
}

# Terms about a figure of an output: the figure, how it is held to the limit, and the limit where the rule sets it.
TERMS: dict[str, tuple[str, Callable[[Any, Any], bool], float]] = {
    "relative-l2": ("relative_l2", le, ONE_PERCENT),
    "cosine": ("cosine_similarity", gt, FIELD_COSINE),
    "mean-abs-diff": ("mean_abs_diff", lt, FIELD_MEAN_ABS_DIFF),
    "noise-floor": ("error_over_floor", le, FLOOR_MARGIN),
    "nan-mismatches": ("nan_mismatches", eq, 0),
    "inf-mismatches": ("inf_mismatches", eq, 0),
    "reference-nan": ("reference_nans", eq, 0),
    "unequal": ("unequal", eq, 0),
    "type-floor": ("noise_floor", ge, ONE_PERCENT),
}
MODE_TERMS = ("mode", "mode-part", "mode-differs", "mode-failed-to-run")
OPERATOR_TERMS = ("operator-failed", "operator-wrong")


def of_compare(summary: Summary) -> Iterator[Contradiction]:
    """The contradictions of `compare`."""
    compare = summary.compare
    if compare is None:
        return
    if summary.run is not None:
        yield from held("compare.candidate", compare.candidate, summary.run.device, "run.device")
    for at, output in enumerate(compare.outputs):
        yield from _of_output(f"compare.outputs.{at}", output)
    yield from _of_flat(compare)
    yield from _of_rules(compare)
    yield from _of_modes(compare)
    if compare.latency is not None:
        derived = compare.latency.reference_ms / compare.latency.candidate_ms
        source = "reference_ms and candidate_ms"
        yield from held("compare.latency.speed_up", compare.latency.speed_up, derived, source)
    yield from of_generation(compare)
    yield from of_quantisation(summary, compare)
    yield from of_repro(compare)
    yield from of_soak(compare)
    yield from of_overlaps(compare)
    if compare.operators_sampled > compare.operators_judged:
        yield Contradiction(
            "compare.operators_sampled", compare.operators_sampled, compare.operators_judged, "compare.operators_judged"
        )
    if compare.depth is not None:
        yield from _of_depth(compare.depth)
    first = compare.operators[0] if compare.operators else None
    yield from held("compare.first_suspect", compare.first_suspect, first, "compare.operators")
    if summary.run is not None and summary.run.inputs == compare.inputs:
        shapes = {output.name: output.shape for output in summary.run.outputs}
        for at, output in enumerate(compare.outputs):
            if output.name in shapes:
                shape = shapes[output.name]
                yield from held(f"compare.outputs.{at}.shape", output.shape, shape, "run.outputs")


def _of_depth(depth: Depth) -> Iterator[Contradiction]:
    """Every series has a value for each operator."""
    for name in ("module", "operator", "isolated", "isolated_floor", "accumulated", "accumulated_floor"):
        series = getattr(depth, name)
        if series is not None:
            yield from held(f"compare.depth.{name}", len(series), len(depth.index), "the operators in depth.index")


def _of_output(path: str, output: OutputComparison) -> Iterator[Contradiction]:
    error, floor = output.float64_relative_l2, output.noise_floor
    if error is not None and floor:
        source = "float64_relative_l2 and noise_floor"
        yield from held(f"{path}.error_over_floor", output.error_over_floor, error / floor, source)
    if (output.worst_index and len(output.worst_index) != len(output.shape)) or any(
        index >= size for index, size in zip(output.worst_index, output.shape, strict=False)
    ):
        yield Contradiction(f"{path}.worst_index", output.worst_index, output.shape, f"{path}.shape")
    difference = _difference(output)
    if difference is not None and output.max_abs_diff is not None and difference > output.max_abs_diff * 1.001 + 1e-12:
        yield Contradiction(f"{path}.max_abs_diff", output.max_abs_diff, difference, "the values at worst_index")
    mean, most = output.mean_abs_diff, output.max_abs_diff
    if mean is not None and most is not None and mean > most and not same(mean, most):
        yield Contradiction(f"{path}.mean_abs_diff", mean, most, f"{path}.max_abs_diff")


def _of_modes(compare: Compare) -> Iterator[Contradiction]:
    """A check follows from its outputs, a mode's status from its checks, and its term from both."""
    for at, mode in enumerate(compare.modes):
        path = f"compare.modes.{at}"
        for number, check in enumerate(mode.checks):
            for place, output in enumerate(check.outputs):
                yield from _of_output(f"{path}.checks.{number}.outputs.{place}", output)
            passed = noise_floor_rule(check.outputs).passed
            yield from held(f"{path}.checks.{number}.passed", check.passed, passed, "its outputs")
        if mode.checks and mode.reason is None:
            right = mode.divergence is None and all(check.passed for check in mode.checks)
            status = "passed" if right else "failed"
            yield from held(f"{path}.status", mode.status, status, f"{path}.checks and {path}.divergence")
    recorded = [term for term in compare.verdict.terms if term.id in MODE_TERMS]
    derived = mode_terms(compare.modes)
    for each in derived:
        if not each.holds and each not in recorded:
            yield Contradiction("compare.verdict.terms", "no such term", each.id, "compare.modes")
    for each in recorded:
        if each not in derived:
            yield Contradiction("compare.verdict.terms", each.id, "no such mode", "compare.modes")


def _difference(output: OutputComparison) -> float | None:
    if output.reference_value is None or output.candidate_value is None:
        return None
    return abs(output.candidate_value - output.reference_value)


def _of_flat(compare: Compare) -> Iterator[Contradiction]:
    figures = {name: [getattr(output, name) for output in compare.outputs] for name in FLAT}
    for name, is_worse in FLAT.items():
        if not figures[name]:
            continue
        derived = _worst(figures[name], is_worse)
        source = f"{name} of compare.outputs"
        yield from held(f"compare.{name}", getattr(compare, name), derived, source, copied=True)
    by_name = {output.name: output for output in compare.outputs}
    for metric, place in compare.worst_outputs.items():
        found = by_name.get(place.output)
        if metric in FLAT and not (place.output and found is None):
            recorded = None if found is None else getattr(found, metric)
            yield from held(f"compare.worst_outputs.{metric}", recorded, getattr(compare, metric), f"compare.{metric}")
        elif metric in FLAT:
            names = tuple(by_name)
            yield Contradiction(f"compare.worst_outputs.{metric}", place.output, names, "names of compare.outputs")


def _worst(values: list[float | None], is_worse: Callable[[Any, Any], bool]) -> float | None:
    worst = values[0]
    for value in values[1:]:
        if worst is None or value is None:
            return None
        if is_worse(value, worst):
            worst = value
    return worst


def _of_rules(compare: Compare) -> Iterator[Contradiction]:
    if any(term.id == TEXT for term in (*compare.match_basis, *compare.verdict.terms)):
        return  # of schema 1, whose terms are sentences
    matches = {"top1_match": compare.top1_match, "top5_match": compare.top5_match}
    known = {"one-percent": one_percent(compare.outputs, **matches), "field": field_rule(compare.outputs)}
    basis = RuleOutcome(rule="one-percent", passed=compare.match_within_1_percent, terms=compare.match_basis)
    yield from _of_outcome(compare, "compare.match_basis", basis, passed_at="compare.match_within_1_percent")
    yield from _terms_as_derived("compare.match_basis", compare.match_basis, known["one-percent"].terms)
    verdict = compare.verdict
    decisive = RuleOutcome(rule=verdict.rule, passed=verdict.passed, terms=verdict.terms)
    yield from _of_outcome(compare, "compare.verdict.terms", decisive, passed_at="compare.verdict.passed")
    for at, other in enumerate(verdict.others):
        path = f"compare.verdict.others.{at}"
        yield from _of_outcome(compare, f"{path}.terms", other, passed_at=f"{path}.passed")
        if other.rule in known:
            yield from _terms_as_derived(f"{path}.terms", other.terms, known[other.rule].terms)
    if verdict.rule in known:
        missing = [each for each in known[verdict.rule].terms if each not in verdict.terms]
        if missing:
            yield Contradiction("compare.verdict.terms", verdict.terms, known[verdict.rule].terms, "compare.outputs")


def _terms_as_derived(path: str, recorded: tuple[Term, ...], derived: tuple[Term, ...]) -> Iterator[Contradiction]:
    """The terms of a rule that looks at nothing but the outputs' figures and the classes."""
    if [(each.id, each.place) for each in recorded] != [(each.id, each.place) for each in derived]:
        names = tuple(f"{each.id} {each.place}".strip() for each in recorded)
        yield Contradiction(
            path, names, tuple(f"{each.id} {each.place}".strip() for each in derived), "compare.outputs"
        )
        return
    for at, (one, other) in enumerate(zip(recorded, derived, strict=True)):
        yield from held(f"{path}.{at}.holds", one.holds, other.holds, "compare.outputs")


def _of_outcome(compare: Compare, path: str, outcome: RuleOutcome, *, passed_at: str) -> Iterator[Contradiction]:
    derived = all(each.holds for each in outcome.terms)
    yield from held(passed_at, outcome.passed, derived, path)
    outputs = {output.name: output for output in compare.outputs}
    for at, term in enumerate(outcome.terms):
        yield from _of_term(f"{path}.{at}", term, outputs, compare)


def _of_term(path: str, term: Term, outputs: dict[str, OutputComparison], compare: Compare) -> Iterator[Contradiction]:
    if term.id in TERMS and term.place in outputs:
        metric, holds, limit = TERMS[term.id]
        figure = getattr(outputs[term.place], metric)
        yield from held(f"{path}.value", term.value, figure, f"{metric} of {term.place}")
        yield from held(f"{path}.limit", term.limit, limit, f"the rule {term.id}")
        if figure is not None:
            yield from held(f"{path}.holds", term.holds, holds(figure, limit), f"{path}.value and its limit")
    elif term.id in ("top-1", "top-5"):
        match = compare.top1_match if term.id == "top-1" else compare.top5_match
        yield from held(f"{path}.holds", term.holds, match, f"compare.top{term.id[-1]}_match")
    elif term.id == "outside-tolerance":
        yield from held(f"{path}.holds", term.holds, term.value == 0, f"{path}.value")
    elif term.id in ("deterministic", "differs-from", "differs-inside") and compare.repeats is not None:
        share = compare.repeats.candidate_differing
        yield from held(f"{path}.value", term.value, share, "compare.repeats.candidate_differing")
    elif term.id in OPERATOR_TERMS:
        yield from _of_operator_term(path, term, compare)


def _of_operator_term(path: str, term: Term, compare: Compare) -> Iterator[Contradiction]:
    where = (term.place, term.values.get("index"), term.values.get("sample"))
    found = {(each.module, each.index, each.sample): each for each in compare.operators}.get(where)  # type: ignore[arg-type]
    if found is None:
        yield Contradiction(path, term.place, "no such operator", "compare.operators")
    else:
        yield from held(f"{path}.holds", term.holds, False, f"the operator {found.module}")
        yield from held(f"{path}.value", term.value, found.error_over_floor, f"the operator {found.module}")
