"""What a label says it is: the metric, and the conditions that a figure under it holds for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from npu_adapt.claims.numbers import Dimension, unit_in
from npu_adapt.claims.vocabulary import BATCH, COMPILED, METRICS, NAMED_ALIKE, STOP, Metric


@dataclass(frozen=True)
class Description:
    """A label taken apart. `rest` is what else it says, word by word: two labels that differ there mean two things."""

    metrics: tuple[Metric, ...]
    facets: Mapping[str, str] = field(default_factory=dict)
    rest: frozenset[str] = frozenset()
    unit: tuple[Dimension, float] | None = None


@lru_cache(maxsize=4096)
def describe(label: str) -> Description:
    """The metrics that a label names, the most specific first, and its conditions."""
    left = label
    metrics: list[Metric] = []
    for metric in METRICS:
        if metric.pattern.search(left):
            metrics.append(metric)
            left = metric.pattern.sub(" ", left)
    facets: dict[str, str] = {}
    source = label
    for name in ("max-abs", "mean-abs", "mse", "max-relative", "mean-relative", "rtf"):
        for metric in metrics:
            if metric.id == name:  # its "max" and "mean" are no statistic of it
                source = metric.pattern.sub(" ", source)
    for facet, table in COMPILED.items():
        found = [name for name, pattern in table if pattern.search(source)]
        if len(found) == 1 or (found and facet in ("statistic", "phase", "mode")):
            facets[facet] = found[0]
        elif found:
            facets[facet] = "+".join(found)
        for _, pattern in table:
            left = pattern.sub(" ", left)
    batch = BATCH.search(label)
    if batch:
        facets["batch"] = batch[1] or batch[2]
        left = BATCH.sub(" ", left)
    return Description(tuple(metrics), facets, words(left), unit_in(label))


def words(text: str) -> frozenset[str]:
    """What is left of a label, word by word, without what says nothing."""
    text = text.replace("_", " ")
    for name, pattern in NAMED_ALIKE:
        text = pattern.sub(name, text)
    parts = re.split(r"\s+", STOP.sub(" ", text))
    return frozenset(word.lower() for word in parts if word and not word.isdecimal())


_FIGURE = re.compile(r"\d+(?:\.\d+)?")


def figures(description: Description, text: str) -> frozenset[str]:
    """Numbers of a label that are neither a metric's nor a condition's own: those of "128 tokens", "threshold=0.1"."""
    for metric in METRICS:
        text = metric.pattern.sub(" ", text)
    for table in COMPILED.values():
        for _, pattern in table:
            text = pattern.sub(" ", text)
    return frozenset(_FIGURE.findall(BATCH.sub(" ", text)))


def facets_of(text: str) -> dict[str, str]:
    """Only the conditions that a text names."""
    return dict(describe(text).facets)


def merged(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Conditions of several texts; the first that names one decides."""
    found: dict[str, str] = {}
    for part in parts:
        for name, value in part.items():
            found.setdefault(name, value)
    return found
