"""A benchmark: its result in full, all rows side by side, and what each doubts about itself."""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_letters

from npu_adapt.records import Bench, BenchRow, Gate
from npu_adapt.report.document import Block, Inline, Table, Tone, Verbatim, listing, sentence
from npu_adapt.report.figures import Figures, casts_doubt
from npu_adapt.report.phrases import PHRASES
from npu_adapt.report.scatter import scatter
from npu_adapt.report.sections.blocks import cell, facts, table

# What is shown of the result, in this order; a path below `row` is that of the row.
ALWAYS = frozenset(("bench.peak_memory_bytes", "bench.latency_ms.p90", "bench.latency_ms.p99"))  # if need be, a reason
FACTS = (
    ("device", "bench.device"),
    ("run-dtype", "bench.dtype"),
    ("attention", "bench.attention"),
    ("mode", "bench.mode"),
    ("threads", "bench.threads"),
    ("batch-size", "bench.batch_size"),
    ("cold-forward", "row.first_forward_ms"),
    ("warmup-calls", "row.warmup_ms"),
    ("clock", "bench.clock"),
    ("iterations", "bench.iterations"),
    ("median", "bench.latency_ms.median"),
    ("median-interval", "bench.median_interval_ms"),
    ("mean", "bench.latency_ms.mean"),
    ("std", "bench.latency_ms.std"),
    ("min", "bench.latency_ms.min"),
    ("p90", "bench.latency_ms.p90"),
    ("p99", "bench.latency_ms.p99"),
    ("max", "bench.latency_ms.max"),
    ("launch-gap", "row.launch_gap_ms"),
    ("throughput", "bench.throughput_per_s"),
    ("real-time-factor", "bench.real_time_factor"),
    ("prefill", "bench.prefill_tokens_per_s"),
    ("decode", "bench.decode_tokens_per_s"),
    ("bench-speed-up", "row.speed_up"),
    ("bound", "row.roofline.bound"),
    ("bound-ms", "row.roofline.bound_ms"),
    ("achieved", "row.roofline.achieved"),
    ("matmul-rate", "row.roofline.matmul_flop_per_s"),
    ("copy-rate", "row.roofline.copy_bytes_per_s"),
    ("launch-time", "row.roofline.launch_ms"),
    ("bench-memory", "bench.peak_memory_bytes"),
    ("memory-source", "bench.memory_source"),
    ("weights-memory", "row.weights_bytes"),
    ("activations-memory", "row.activations_bytes"),
    ("process-medians", "bench.process_medians_ms"),
    ("pinned-cores", "bench.pinned_cores"),
)
SWEEP_COLUMNS = ("row", "dtype", "attention", "mode", "threads", "batch", "median-ms", "per-s", "status")
NUMERIC = frozenset(("threads", "batch", "median-ms", "per-s"))


def benchmark(figures: Figures) -> tuple[Block, ...]:
    """The result's figures and their doubts, the gate, and where there are several rows the sweep."""
    bench = figures.summary.bench
    if bench is None:
        return ()
    blocks: list[Block] = [facts(figures, "benchmark", _facts(figures, bench))]
    if bench.warnings:
        doubts = (
            figures.say("bench-warning", id=each.id, message=figures.tell("warning", each)) for each in bench.warnings
        )
        blocks.append(listing(doubts, "caution"))
    blocks += _gate(figures, bench)
    if len(bench.rows) > 1:
        blocks += _sweep(figures, bench)
    return tuple(blocks)


def plot(figures: Figures) -> tuple[Block, ...]:
    """Latency against throughput of the right rows, by the letters that the sweep gives them."""
    bench = figures.summary.bench
    points = [] if bench is None else [*_points(bench)]
    if len(points) < 2:
        return ()
    axes = [figures.say(f"column-{column}") for column in ("median-ms", "per-s")]
    return (Verbatim(scatter(points, *axes)),)


def _points(bench: Bench) -> Iterator[tuple[str, float, float]]:
    for index, row in enumerate(bench.rows):
        if row.status == "measured" and row.latency_ms is not None and row.throughput_per_s is not None:
            yield letter(index), row.latency_ms.median, row.throughput_per_s


def letter(index: int) -> str:
    """What a row is called in the sweep."""
    return ascii_letters[index % len(ascii_letters)]


def _facts(figures: Figures, bench: Bench) -> Iterator[tuple[Inline, Inline]]:
    for item, place in FACTS:
        path = place.replace("row.", f"bench.rows.{bench.result_row}.", 1) if place.startswith("row.") else place
        if path.startswith("bench.rows.") and not bench.rows:
            continue
        if figures.value(path) in (None, "", ()) and path not in ALWAYS:
            continue
        words = WORDS.get(item)
        yield figures.say(f"item-{item}"), words(figures, path) if words else cell(figures, path)


def _interval(figures: Figures, path: str) -> str:
    return figures.say("bench-interval", **{name: figures(f"{path}.{name}") for name in ("low", "high", "confidence")})


def _warmup(figures: Figures, path: str) -> str:
    return figures.say("bench-warmup", calls=figures("bench.warmup"), ms=figures(path))


def speed_up_words(figures: Figures, path: str) -> str:
    ratio = figures(f"{path}.ratio")
    if figures.value(f"{path}.interval") is not None:
        low, high = figures(f"{path}.interval.low"), figures(f"{path}.interval.high")
        ratio = figures.say("bench-spread", ratio=ratio, low=low, high=high)
    return figures.say(
        "bench-speed-up",
        ratio=ratio,
        reference=figures(f"{path}.reference"),
        dtype=figures(f"{path}.reference_dtype"),
        threads=figures(f"{path}.reference_threads"),
        median=figures(f"{path}.reference_median_ms"),
    )


def name_words(figures: Figures, path: str) -> str:
    """What the record keeps as a name, in words where it has some."""
    name = str(figures.value(path))
    return figures.say(f"word-{name}") if f"word-{name}" in PHRASES else name


def _process_medians(figures: Figures, path: str) -> str:
    medians = figures.value(path)
    ends = {name: figures.write(f"{path}.0", chosen(medians)) for name, chosen in (("low", min), ("high", max))}
    return figures.say("bench-processes", count=str(len(medians)), **ends)


# Facts that are more than one figure.
WORDS = {
    "median-interval": _interval,
    "warmup-calls": _warmup,
    "bench-speed-up": speed_up_words,
    "process-medians": _process_medians,
    "clock": name_words,
    "bound": name_words,
    "memory-source": name_words,
}


def _gate(figures: Figures, bench: Bench) -> list[Block]:
    gate = bench.gate
    if gate is None:
        return []
    text, tone = gate_words(figures, gate)
    said = sentence(text, tone=tone)
    return [said, sentence(figures.say("bench-gate-paced"))] if gate.paced else [said]


def gate_words(figures: Figures, gate: Gate) -> tuple[str, Tone]:
    """What the gate of this benchmark says."""
    outcome = "failed" if not gate.passed else "passed" if gate.decided else "undecided"
    text = figures.say(
        f"bench-gate-{outcome}",
        ratio=figures("bench.gate.ratio"),
        low=figures("bench.gate.interval.low"),
        high=figures("bench.gate.interval.high"),
        baseline=gate.baseline,
        allowed=figures("bench.gate.fail_above"),
    )
    return text, GATE_TONES[outcome]


GATE_TONES: dict[str, Tone] = {"passed": "good", "failed": "bad", "undecided": "caution"}


def _sweep(figures: Figures, bench: Bench) -> list[Block]:
    doubts = [*row_reasons(figures, bench)]
    blocks: list[Block] = [sweep_table(figures, bench)]
    return [*blocks, listing(doubts, "caution")] if doubts else blocks


def sweep_table(figures: Figures, bench: Bench) -> Table:
    """All rows, in the order in which they were measured."""
    rows = (_sweep_row(figures, bench, index, row) for index, row in enumerate(bench.rows))
    return table(figures, "sweep", SWEEP_COLUMNS, rows, NUMERIC)


def _sweep_row(figures: Figures, bench: Bench, index: int, row: BenchRow) -> tuple[Inline, ...]:
    at = f"bench.rows.{index}"
    best = index == bench.best_row and row.status == "measured"
    return (
        letter(index),
        row.dtype,
        row.attention,
        row.mode,
        figures(f"{at}.threads"),
        figures(f"{at}.batch_size"),
        figures.short(f"{at}.latency_ms.median"),
        figures.short(f"{at}.throughput_per_s"),
        figures.say("bench-best" if best else f"bench-{row.status}"),
    )


def row_reasons(figures: Figures, bench: Bench) -> Iterator[str]:
    """Why rows are wrong or failed, then the doubts of those whose doubts are not said yet."""
    for index, row in enumerate(bench.rows):
        status = figures.say(f"bench-{row.status}")
        if row.reason is not None:
            why = figures.tell("reason", row.reason)
            yield figures.say("bench-row-reason", row=letter(index), status=status, reason=why)
        doubts = ", ".join(each.id for each in row.warnings if casts_doubt(each.id, "median"))
        if doubts and index != bench.result_row:
            yield figures.say("bench-row-reason", row=letter(index), status=status, reason=f"(!) {doubts}")
