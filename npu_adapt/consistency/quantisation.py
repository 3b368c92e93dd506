"""What the figures of quantised weights derive from."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.consistency.contradiction import Contradiction, held
from npu_adapt.numerics.quantisation_rules import dequantised_terms
from npu_adapt.records import Compare, Summary

PATH = "compare.dequantised"


def of_quantisation(summary: Summary, compare: Compare) -> Iterator[Contradiction]:
    """The contradictions of `compare.dequantised` with the weights and with the verdict."""
    found = compare.dequantised
    stored = None if summary.weights is None else summary.weights.quantisation
    if found is not None:
        modules = 0 if stored is None else sum(each.modules for each in stored.weights)
        yield from held(f"{PATH}.modules", found.modules, modules, "weights.quantisation")
        yield from held(f"{PATH}.worst_module", bool(found.worst_module), found.differing > 0, f"{PATH}.differing")
    derived = dequantised_terms(found)
    for at, term in enumerate(compare.verdict.terms):
        if term.id == "dequantised" and term not in derived:
            yield Contradiction(f"compare.verdict.terms.{at}", term.value, "another term", PATH)
    for term in derived:
        if not term.holds and term not in compare.verdict.terms:
            yield Contradiction("compare.verdict.terms", "missing", f"{term.id} {term.value}", PATH)
