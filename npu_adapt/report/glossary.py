"""Which article explains a label of the report, and the articles that a page needs."""

from __future__ import annotations

from npu_adapt.report.document import Code, Inline
from npu_adapt.report.explanations import Article, topics
from npu_adapt.report.phrases import Language
from npu_adapt.report.phrases.phrase import Labelled

LABELS = ("item", "column", "label", "caption")  # the kinds of phrases that name a figure
# The article of a label whose own name is no id: the part of its phrase's key after "item-", "column-" or "label-".
ARTICLES: dict[str, str] = {
    "cosine": "cosine-similarity",
    "max-abs": "max-abs-diff",
    "mean-abs": "mean-abs-diff",
    **dict.fromkeys(("error", "worst-output"), "relative-l2"),
    **dict.fromkeys(("floor", "floors"), "noise-floor"),
    **dict.fromkeys(("over-floor", "margin"), "error-over-floor"),
    **dict.fromkeys(("reference-side", "reference-token"), "reference"),
    **dict.fromkeys(("adapted-side", "candidate-token"), "candidate"),
    **dict.fromkeys(("operators", "module", "operator", "suspect"), "first-suspect"),
    **dict.fromkeys(
        ("limit", "bound", "bound-ms", "achieved", "matmul-rate", "copy-rate", "launch-time"), "device-limit"
    ),
    "bench-speed-up": "speed-up",
    **dict.fromkeys(("latency-reference", "latency-candidate", "measurement", "how"), "latency"),
    "latency-ms": "latency",
    "latencies": "latency",
    "adapted": "candidate",
    "cold-forward": "first-forward",
    **dict.fromkeys(("median-interval", "median-ms"), "median"),
    **dict.fromkeys(("mean", "std", "min", "max"), "spread"),
    **dict.fromkeys(("p90", "p99"), "percentiles"),
    **dict.fromkeys(("warmup", "warmup-calls"), "iterations"),
    **dict.fromkeys(("per-s", "tokens"), "throughput"),
    "batch": "batch-size",
    **dict.fromkeys(
        ("peak-memory", "bench-memory", "weights-memory", "activations-memory", "memory-source", "free-memory", "size"),
        "memory",
    ),
    **dict.fromkeys(("process-medians", "pinned-cores"), "processes"),
    **dict.fromkeys(("score", "label", "index"), "prediction"),
    "samples": "sample",
    **dict.fromkeys(("outputs", "shape"), "output"),
    "origin": "input",
    "proven-parameters": "parameters",
    **dict.fromkeys(("missing-keys", "mismatched-keys", "unexpected-keys"), "keys"),
    **dict.fromkeys(("file", "verified", "adapter-sha256", "revision"), "sha256"),
    **dict.fromkeys(("weights", "weight-path", "local-weight-used", "conversions", "left-out"), "pretrained-used"),
    **dict.fromkeys(("at", "reference-value", "candidate-value", "taken-from"), "worst-element"),
    **dict.fromkeys(("asked", "found-matmul", "found-conv", "found-attention", "judged-at"), "arithmetic"),
    **dict.fromkeys(("operand-bits", "rounding", "sum-bits", "overflows", "flushes"), "probe-bits"),
    **dict.fromkeys(("order", "terms"), "sum-order"),
    **dict.fromkeys(("image", "filters", "algorithm"), "winograd-2x2"),
    "run-dtype": "dtype",
    **dict.fromkeys(("driver", "firmware", "cann"), "stack"),
    **dict.fromkeys(("python", "torch", "torch_npu", "transformers", "platform", "tool"), "software"),
    **dict.fromkeys(("cpu", "cpu-cores", "host-memory", "health", "usable"), "machine"),
    **dict.fromkeys(("words", "characters"), "error-rates"),
    **dict.fromkeys(("differing", "way"), "invariance"),
    **dict.fromkeys(("position", "explained", "parts-at", "texts"), "token-flip"),
    **dict.fromkeys(("rule", "outcome", "detail", "rules", "why"), "rule-outcome"),
    **dict.fromkeys(("severity", "found", "wanted", "fix", "doubt", "warning"), "findings"),
    **dict.fromkeys(("log", "holds"), "evidence"),
    **dict.fromkeys(("stage", "class", "failed-operator", "failure"), "FAILED"),
    "repeats": "repeat",
    "numerics": "arithmetic",
    "url": "model",
    "weight-files": "sha256",
    "worst-elements": "worst-element",
}


class Glossary:
    """The articles of one language, and which of them a page has asked for."""

    def __init__(self, language: Language) -> None:
        self._known = {article.id: article for topic in topics(language) for article in topic.articles}
        self._used: dict[str, Article] = {}

    def article(self, part: Inline, among: Inline = "") -> Article | None:
        """What explains a label, by its phrase, or a name that is itself an id; else what explains all `among` it.

        None: nothing does.
        """
        found = self._known.get(_asked(part)) or self._known.get(_asked(among))
        if found is not None:
            self._used[found.id] = found
        return found

    @property
    def used(self) -> tuple[Article, ...]:
        """Every article that was asked for, in that order."""
        return tuple(self._used.values())


def _asked(part: Inline) -> str:
    """The id of the article that would explain it."""
    if isinstance(part, Code):
        name = part.text.replace("_", "-")
        return ARTICLES.get(name, name)
    kind, _, name = part.key.partition("-") if isinstance(part, Labelled) else ("", "", "")
    return ARTICLES.get(name, name) if kind in LABELS else ""
