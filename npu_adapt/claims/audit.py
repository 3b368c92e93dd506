"""All findings of a text, in the order of its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from npu_adapt.claims import (
    accuracy,
    contradictions,
    derived,
    doubts,
    gaps,
    rates,
    sides,
    subject,
    tasks,
    verdicts,
    versions,
)
from npu_adapt.claims.finding import NATURES, Found
from npu_adapt.claims.report import ReportText
from npu_adapt.claims.versions import is_adaptation

Rule = Callable[[ReportText], Iterator[Found]]

CONTRADICTIONS: tuple[Rule, ...] = (
    contradictions.two_values,
    derived.speed_ups,
    rates.throughputs,
    rates.throughputs_in_prose,
    sides.stated_differences,
    derived.real_time_factors,
    contradictions.order_of_statistics,
    accuracy.cosine_above_one,
    accuracy.one_minus_cosine,
    accuracy.error_below_cosine,
    accuracy.max_below_mean,
    verdicts.against_numbers,
    versions.confused,
    versions.pairs,
    subject.below_limit,
)
GAPS: tuple[Rule, ...] = (
    gaps.empty_cells,
    gaps.placeholders,
    gaps.commands,
    gaps.sources,
    versions.missing,
    verdicts.without_results,
    verdicts.bounds_only,
)
DOUBTS: tuple[Rule, ...] = (
    subject.hidden_state,
    subject.metric_of_task,
    tasks.foreign_metric,
    subject.other_weights,
    doubts.random_input,
    doubts.random_head,
    doubts.cold,
    doubts.cold_series,
    doubts.loose_tolerance,
    doubts.part_compared,
    doubts.stage_on_cpu,
)
ALL: tuple[Rule, ...] = (*CONTRADICTIONS, *GAPS, *DOUBTS)
OF_AN_NPU = ("stage-on-cpu", "cold-baseline", "random-input", "command-missing", "hidden-state-compared", "task-metric")
ORDER = ("contradiction", "gap", "doubt")


def audit_text(text: str | ReportText, rules: Iterable[Rule] = ALL) -> tuple[Found, ...]:
    """What contradicts itself in a report, what it leaves out, what to ask about; contradictions first."""
    report = ReportText(text) if isinstance(text, str) else text
    found = [each for rule in rules for each in rule(report)]
    if not is_adaptation(report):  # of a run on a CPU, or no report at all
        found = [each for each in found if each.id not in OF_AN_NPU]
    return tuple(sorted(found, key=lambda each: (ORDER.index(NATURES[each.id]), each.places[0][0])))
