"""Every figure that is shown, by its path in the summary: one value, one text, wherever it appears.

`FORMATS` says how a field is written, by the field's name alone, so that no two tables can disagree. A field that is
None is shown as its reason: the summary's own, else a precise default from the phrases.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from npu_adapt import rounding
from npu_adapt.records import Fact, Record, Summary, Term
from npu_adapt.report.phrases import ABSENT, Language, say
from npu_adapt.report.phrases.facts import told
from npu_adapt.report.phrases.phrase import Labelled


@dataclass(frozen=True)
class Format:
    """How a field's value is written, and the unit that follows it in running text."""

    write: Callable[[Any], str]
    unit: str = ""


ERROR = Format(rounding.error)
COSINE = Format(rounding.cosine)
MILLISECONDS = Format(rounding.milliseconds, "ms")
RATIO = Format(rounding.ratio, "×")
FACTOR = Format(rounding.ratio)
AS_GIVEN = Format("{:g}".format)  # what somebody chose rather than measured
RATE = Format(rounding.significant, "/s")
SIGNIFICANT = Format(rounding.significant)
TENSOR_VALUE = Format(rounding.tensor_value)
COUNT = Format(rounding.count)
NUMERAL = Format(str)
SIZE = Format(rounding.size)
SHARE = Format(lambda share: "< 0.0001 %" if 0 < share < 1e-6 else f"{100 * share:.3g} %")

# By the last part of the path; where that says nothing, by its ending; where that says nothing, by the type.
FORMATS: dict[str, Format] = {
    "max_abs_diff": ERROR,
    "mean_abs_diff": ERROR,
    "relative_l2": ERROR,
    "noise_floor": ERROR,
    "isolated": ERROR,
    "isolated_floor": ERROR,
    "cosine_similarity": COSINE,
    "error_over_floor": RATIO,
    "speed_up": RATIO,
    "score": SIGNIFICANT,
    "reference": TENSOR_VALUE,
    "candidate": TENSOR_VALUE,
    "load": MILLISECONDS,
    "first_forward": MILLISECONDS,
    "warm_forward": MILLISECONDS,
    "mean": MILLISECONDS,
    "median": MILLISECONDS,
    "p90": MILLISECONDS,
    "p99": MILLISECONDS,
    "std": MILLISECONDS,
    "min": MILLISECONDS,
    "max": MILLISECONDS,
    "bytes": SIZE,
    "index": NUMERAL,
    "ratio": FACTOR,
    "achieved": FACTOR,
    "confidence": AS_GIVEN,
    "fail_above": AS_GIVEN,
    "limit": AS_GIVEN,
    "matmul_flop_per_s": Format(rounding.scaled, "FLOP/s"),
    "copy_bytes_per_s": Format(lambda value: f"{rounding.size(round(value))}/s"),
    "may_flip": SHARE,
    "did_flip": SHARE,
    "expected_flip": SHARE,
    "worst_ulps": FACTOR,
    "same_best": SHARE,
    "word_error_rate": SHARE,
    "character_error_rate": SHARE,
    "differing": SHARE,
    "margin_over_floor": RATIO,
    "cache_over_floor": RATIO,
    "position": NUMERAL,
    "parts_at": NUMERAL,
    "seed": NUMERAL,
    "threads": NUMERAL,
    "sample": NUMERAL,
    "worst_sample": NUMERAL,
}
ENDINGS: dict[str, Format] = {
    "_ms": MILLISECONDS,
    "_bytes": SIZE,
    "_per_s": RATE,
    "_value": TENSOR_VALUE,
    "_diff": ERROR,
    "_l2": ERROR,
}
BY_TYPE: dict[type, Format] = {int: COUNT, float: SIGNIFICANT}
MARK = " (!)"  # behind every figure of a benchmark that warned about itself


def format_of(path: str, value: float) -> Format:
    """The format of the number `value` at `path`."""
    name = without_positions(path).rpartition(".")[2]
    if name in FORMATS:
        return FORMATS[name]
    return next((form for ending, form in ENDINGS.items() if name.endswith(ending)), BY_TYPE[type(value)])


@dataclass(frozen=True)
class Figures:
    """The figures of one summary in one language."""

    summary: Summary
    language: Language = "en"

    def say(self, phrase: str, **values: str) -> str:
        """The phrase of that key in this language, its places filled; without places it remembers its key."""
        text = say(phrase, self.language, **values)
        return text if values else Labelled(text, phrase)

    def tell(self, kind: str, fact: Fact | Term) -> str:
        """The words of a fact in this language: "reason", "warning", "term", …"""
        return told(kind, fact, self.language)

    def value(self, path: str) -> Any:
        """What stands at the dotted `path`; None where it, or anything above it, is None."""
        here: Any = self.summary
        for part in path.split("."):
            if here is None:
                return None
            if isinstance(here, dict):
                here = here.get(part)
            elif isinstance(here, tuple):
                here = here[int(part)]
            else:
                here = getattr(here, part)
        return here

    def __call__(self, path: str, *, unit: bool = False) -> str:
        """The text of the figure at `path`, or the reason why there is none."""
        value = self.value(path)
        return self.reason(path) if value is None else self.write(path, value, unit=unit)

    def bare(self, path: str, *, unit: bool = False) -> str:
        """Like a call, without the mark of a warning: for a figure that stands beside one that has it."""
        return self(path, unit=unit).removesuffix(MARK)

    def short(self, path: str) -> str:
        """Like a call, for a narrow cell: "n/a" where there is no figure; say the reason under the table."""
        value = self.value(path)
        return self.say("not-applicable") if value is None else self.write(path, value)

    def write(self, path: str, value: Any, *, unit: bool = False) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"  # as in the record, in every language
        if isinstance(value, str):
            return value if value.strip() else self.say("empty")
        if isinstance(value, tuple):
            return "[" + ", ".join(map(str, value)) + "]"
        if isinstance(value, Record):
            raise TypeError(f"{path} is a section, not a figure")
        form = format_of(path, value)
        text = form.write(value)
        return text + (f" {form.unit}" if unit and form.unit else "") + (MARK if self.is_warned(path) else "")

    def is_warned(self, path: str) -> bool:
        """Whether the figure at `path` comes from a benchmark, or a row of one, that doubts it."""
        bench = self.summary.bench
        parts = path.split(".")
        if bench is None or parts[0] != "bench" or not MEASURED.intersection(parts) or parts[-1] in GIVEN:
            return False
        of_row = parts[1] == "rows"
        warnings = bench.rows[int(parts[2])].warnings if of_row else bench.warnings
        return any(casts_doubt(each.id, parts[-1]) for each in warnings)

    def reason(self, path: str) -> str:
        """Why there is nothing at `path`: what the summary says of it or of what it lies in, else the default.

        The default is that of the outermost part that is missing: no comparison, hence no speed-up.
        """
        for place in reversed(_prefixes(path)):
            for name in (place, without_positions(place)):
                if name in self.summary.reasons:
                    return self.tell("reason", self.summary.reasons[name])
        missing = [without_positions(place) for place in _prefixes(path) if self.value(place) is None]
        return self.say(next((ABSENT[name] for name in missing if name in ABSENT), "absent"))

    @property
    def status(self) -> str | None:
        run = self.summary.run
        return None if run is None else run.status

    @property
    def is_rehearsal(self) -> bool:
        return self.status == "REHEARSED"

    def caption(self, phrase: str) -> str:
        """A table's title, marked where no device stood behind its figures."""
        title = self.say(f"caption-{phrase}")
        return Labelled(f"{title} · REHEARSED", f"caption-{phrase}") if self.is_rehearsal else title


# Parts of the paths of what a benchmark measured.
MEASURED = frozenset(
    (
        "latency_ms",
        "median_interval_ms",
        "samples_ms",
        "launch_gap_ms",
        "throughput_per_s",
        "real_time_factor",
        "prefill_tokens_per_s",
        "decode_tokens_per_s",
        "speed_up",
        "roofline",
        "process_medians_ms",
    )
)
# Warnings that concern some figures only, by the last part of their paths; any other one concerns all that is measured.
DOUBTED: dict[str, frozenset[str]] = {
    "few-samples": frozenset(("p99",)),
    "outliers": frozenset(("mean", "std", "max", "p90", "p99")),
    "above-limit": frozenset(("bound", "bound_ms", "achieved")),
    "gate-undecided": frozenset(),
}


GIVEN = frozenset(("confidence", "reference_threads"))  # stands among what was measured, and was not


def casts_doubt(warning: str, field: str) -> bool:
    """Whether a benchmark's warning concerns the figure in that field."""
    return field in DOUBTED.get(warning, (field,))


def without_positions(path: str) -> str:
    return re.sub(r"\.\d+(?=\.|$)", "", path)


def _prefixes(path: str) -> list[str]:
    """`a`, `a.b`, `a.b.c`."""
    parts = path.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
