"""How fast: one latency that the whole report uses, and beside it, each under its own name, what else was timed."""

from __future__ import annotations

from npu_adapt.records.outcome import all_wrong
from npu_adapt.report.document import Block, Inline, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.benchmark import benchmark
from npu_adapt.report.sections.blocks import cell, table

Measurement = tuple[Inline, Inline, Inline]  # its name, its figure, how it was measured


def headline(figures: Figures) -> tuple[str, str]:
    """The latency of this report and how it was measured: the benchmark's median, else the run's warm forward."""
    if figures.is_rehearsal:
        return figures.say("latency-emulated"), figures.say("latency-emulated")
    if figures.summary.bench is not None:
        how = figures.say("latency-bench", iterations=figures("bench.iterations"), batch=figures("bench.batch_size"))
        if all_wrong(figures.summary.bench):
            how = figures.say("latency-wrong", how=how)
        return figures("bench.latency_ms.median", unit=True), how
    if figures.value("run.timings_ms.warm_forward") is not None:
        return figures("run.timings_ms.warm_forward", unit=True), figures.say("latency-run")
    missing = figures.reason("run.timings_ms.warm_forward")
    return missing, missing


def latency(figures: Figures) -> tuple[Block, ...]:
    """Every time that was measured, under its own name, then the speed-up and the benchmark."""
    if figures.is_rehearsal:
        return (sentence(figures.say("latency-emulated")),)
    return timings(figures), *speed_up(figures), *benchmark(figures)


def timings(figures: Figures) -> Block:
    """The latency of this report, and the two times that are nobody's latency."""
    rows: list[Measurement] = [(figures.say("item-latency"), *headline(figures)), *_start(figures)]
    return table(figures, "latencies", ("measurement", "value", "how"), rows)


def _start(figures: Figures) -> list[Measurement]:
    """Loading and the cold first forward, which are nobody's latency."""
    return [
        (figures.say(f"item-{item}"), cell(figures, f"run.timings_ms.{field}"), figures.say(how))
        for item, field, how in (("load", "load", "latency-load"), ("first-forward", "first_forward", "latency-first"))
    ]


def speed_up(figures: Figures) -> tuple[Block, ...]:
    """Both sides' latencies and their quotient: of a benchmark against another device where there is one, as it is the
    more precise, else of the comparison; the reason where neither was measured."""
    if figures.is_rehearsal:
        return (_without(figures, figures.say("latency-emulated")),)
    rows = _of_bench(figures) or _of_compare(figures)
    if not rows:
        return (_without(figures, figures.reason("compare.latency")),)
    return (table(figures, "speed-up", ("measurement", "value", "how"), rows),)


def _without(figures: Figures, reason: str) -> Block:
    return sentence(figures.say("with-reason", item=figures.say("item-speed-up"), reason=reason))


def _of_bench(figures: Figures) -> list[Measurement]:
    """Of the result of `bench --against`; nothing where the benchmark had no rival."""
    bench = figures.summary.bench
    if bench is None or not bench.rows:
        return []
    path = f"bench.rows.{bench.result_row}.speed_up"
    if figures.value(path) is None:
        return []
    dtype, threads = figures(f"{path}.reference_dtype"), figures(f"{path}.reference_threads")
    return [
        (
            figures.say("item-latency-reference", name=figures(f"{path}.reference")),
            cell(figures, f"{path}.reference_median_ms"),
            figures.say("latency-against", dtype=dtype, threads=threads),
        ),
        (
            figures.say("item-latency-candidate", name=figures("bench.device")),
            cell(figures, "bench.latency_ms.median"),
            figures.say("latency-bench", iterations=figures("bench.iterations"), batch=figures("bench.batch_size")),
        ),
        (figures.say("item-speed-up"), cell(figures, f"{path}.ratio"), figures.say("latency-ratio")),
    ]


def _of_compare(figures: Figures) -> list[Measurement]:
    """Of the comparison's warm forwards, in turns; nothing where they were not measured."""
    if figures.value("compare.latency") is None:
        return []
    pair = figures.say("latency-pair", iterations=figures("compare.latency.iterations"))
    return [
        (
            figures.say("item-latency-reference", name=figures("compare.reference")),
            cell(figures, "compare.latency.reference_ms"),
            pair,
        ),
        (
            figures.say("item-latency-candidate", name=figures("compare.candidate")),
            cell(figures, "compare.latency.candidate_ms"),
            pair,
        ),
        (figures.say("item-speed-up"), cell(figures, "compare.latency.speed_up"), figures.say("latency-quotient")),
    ]
