"""The first screen of `bench`: the latency and how sure it is, what limits it, the rows, the doubts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from npu_adapt.records import Bench
from npu_adapt.records.outcome import outcome_of
from npu_adapt.report.document import Code, Inline, Paragraph, Table
from npu_adapt.report.figures import Figures
from npu_adapt.report.first import lines
from npu_adapt.report.first.lines import line
from npu_adapt.report.first.screen import LIMIT, LIMIT_OF_A_FAILURE, FirstScreen, Line, listed
from npu_adapt.report.phrases import PHRASES
from npu_adapt.report.sections import benchmark

SHOWN_WARNINGS = 4


def first_bench(figures: Figures, logs: Path | None) -> FirstScreen:
    """The summary must hold a benchmark."""
    bench = figures.summary.bench
    assert bench is not None
    failed = outcome_of(figures.summary).failed
    return FirstScreen(
        head=head(figures, bench),
        lines=(
            *lines.prediction(figures),
            *latency(figures, bench),
            *tokens(figures),
            *setting(figures, bench),
            *speed_up(figures, bench),
            *gate(figures, bench),
            *limit(figures, bench),
            *memory(figures, bench),
            *warnings(figures, bench),
            *lines.weights(figures),
            *lines.doubts(figures),
        ),
        end=tuple(lines.end(figures, logs, explained=[each.id for each in bench.warnings])),
        tables=rows(figures, bench),
        left_out=lambda hidden: figures.say("first-and-more", number=str(hidden)),
        limit=LIMIT_OF_A_FAILURE if failed else LIMIT,
    )


CAUSES = {"wrong-output": "first-wrong", "no-row": "first-no-row", "gate": "first-slower"}  # to phrases


def head(figures: Figures, bench: Bench) -> Paragraph:
    """That it was measured, on what, and the two figures; or what failed."""
    model = figures.summary.model
    name = Code("" if model is None else model.id)
    where = figures.say("first-on", device=bench.device)
    cause = outcome_of(figures.summary).cause
    if cause in CAUSES:
        return Paragraph((figures.say("first-failed"), name, where, figures.say(CAUSES[cause])), "bad")
    median = figures.say("first-median", median=figures.bare("bench.latency_ms.median", unit=True))
    return Paragraph((figures.say("first-measured"), *listed((name, where), median, rate(figures, bench))), "good")


def rate(figures: Figures, bench: Bench) -> str:
    """So many samples, or what else one forward takes, a second."""
    known = f"word-{bench.throughput_unit}" in PHRASES
    unit = figures.say(f"word-{bench.throughput_unit}") if known else bench.throughput_unit
    return figures.say("first-per-s", value=figures.bare("bench.throughput_per_s"), unit=unit)


def latency(figures: Figures, bench: Bench) -> Iterator[Line]:
    """The median, how well it is known, and the slow samples."""
    path = "bench.median_interval_ms"
    interval = None
    if bench.median_interval_ms is not None:
        ends = {name: figures.bare(f"{path}.{name}") for name in ("low", "high", "confidence")}
        interval = figures.say("first-interval", **ends)
    slow = [
        f"{name} {figures(f'bench.latency_ms.{name}', unit=True)}"
        for name in ("p90", "p99")
        if figures.value(f"bench.latency_ms.{name}") is not None
    ]
    iterations = figures.say("first-iterations", number=figures("bench.iterations"))
    median = figures("bench.latency_ms.median", unit=True)
    yield line(figures, "latency", *listed(median, interval, *slow, iterations))


def tokens(figures: Figures) -> Iterator[Line]:
    """Tokens a second of a language model."""
    rates = [
        figures.say(f"first-{name}", value=figures(f"bench.{name}_tokens_per_s", unit=True))
        for name in ("prefill", "decode")
        if figures.value(f"bench.{name}_tokens_per_s") is not None
    ]
    if rates:
        yield line(figures, "tokens", *listed(*rates))


def setting(figures: Figures, bench: Bench) -> Iterator[Line]:
    """With what it was measured."""
    name = lines.device_name(figures)
    batch = figures.say("first-batch", number=figures("bench.batch_size"))
    threads = figures.say("first-threads", number=figures("bench.threads")) if bench.threads else None
    chosen = [Code(part) for part in (bench.dtype, bench.attention, bench.mode) if part]
    yield line(figures, "device", *listed(Code(f"{bench.device} {name}".strip()), *chosen, batch, threads))


def speed_up(figures: Figures, bench: Bench) -> Iterator[Line]:
    path = f"bench.rows.{bench.result_row}.speed_up"
    if bench.rows and figures.value(path) is not None:
        yield line(figures, "speed-up", benchmark.speed_up_words(figures, path))


def gate(figures: Figures, bench: Bench) -> Iterator[Line]:
    """What the gate said."""
    if bench.gate is not None:
        said, tone = benchmark.gate_words(figures, bench.gate)
        yield line(figures, "gate", said, tone=tone)


def limit(figures: Figures, bench: Bench) -> Iterator[Line]:
    """What the device itself could do at best."""
    path = f"bench.rows.{bench.result_row}.roofline"
    if bench.rows and figures.value(path) is not None:
        bound = figures.say("first-bound", bound=benchmark.name_words(figures, f"{path}.bound"))
        share = figures.say("first-achieved", share=figures(f"{path}.achieved"))
        yield line(figures, "limit", *listed(bound, share), rank=3)


def memory(figures: Figures, bench: Bench) -> Iterator[Line]:
    row = f"bench.rows.{bench.result_row}"
    paths = {"peak": "bench.peak_memory_bytes"}
    if bench.rows:
        paths |= {"weights-bytes": f"{row}.weights_bytes", "activations": f"{row}.activations_bytes"}
    said = [
        figures.say(f"first-{name}", value=figures(path))
        for name, path in paths.items()
        if figures.value(path) is not None
    ]
    if said:
        yield line(figures, "memory", *listed(*said), rank=3)


def warnings(figures: Figures, bench: Bench) -> Iterator[Line]:
    """Why rows of a sweep are not right, and what the best row warns of, each with its id."""
    said: list[tuple[Inline, ...]] = [lines.named(figures.tell("warning", each), each.id) for each in bench.warnings]
    said += [(each,) for each in (benchmark.row_reasons(figures, bench) if len(bench.rows) > 1 else ())]
    for parts in said[:SHOWN_WARNINGS]:
        yield line(figures, "warning", *parts, tone="caution", rank=1)
    if len(said) > SHOWN_WARNINGS:
        more = figures.say("first-and-more", number=str(len(said) - SHOWN_WARNINGS))
        yield line(figures, "warning", more, tone="caution", rank=1)


def rows(figures: Figures, bench: Bench) -> tuple[Table, ...]:
    """The rows of a sweep; nothing where there is one row only."""
    return (benchmark.sweep_table(figures, bench),) if len(bench.rows) > 1 else ()
