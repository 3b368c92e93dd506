"""The rows of a sweep as a table, the best one marked, and latency against throughput drawn in characters."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from npu_adapt.records import Bench, BenchRow, Summary
from npu_adapt.report.figures import Figures

WIDTH = 40
COLUMNS = (
    ("", False),
    ("dtype", False),
    ("attention", False),
    ("mode", False),
    ("threads", True),
    ("batch", True),
    ("median ms", True),
    ("per s", True),
    ("status", False),
)


def render_sweep(summary: Summary) -> RenderableType:
    """The row's limits, and for more than one row the table; nothing without a benchmark."""
    bench = summary.bench
    if bench is None:
        return Text()
    figures = Figures(summary)
    parts: list[RenderableType] = [*_details(figures, bench)]
    if len(bench.rows) > 1:
        parts += [sweep_table(figures, bench), *_reasons(bench), *_picture(figures, bench)]
    return Group(*parts)


def sweep_table(figures: Figures, bench: Bench) -> RichTable:
    """One line for each row: `*` the best, `(!)` one that warns about itself, and why a row failed below it."""
    table = RichTable(title="Sweep", title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for title, numeric in COLUMNS:
        table.add_column(title, justify="right" if numeric else "left", no_wrap=True)
    for index, row in enumerate(bench.rows):
        at = f"bench.rows.{index}"
        best = index == bench.best_row and row.status == "measured"
        table.add_row(
            "*" if best else "",
            row.dtype,
            row.attention,
            row.mode,
            str(row.threads),
            str(row.batch_size),
            _marked(row, figures.write(f"{at}.latency_ms.median", row.latency_ms.median)) if row.latency_ms else "-",
            "-" if row.throughput_per_s is None else figures.write(f"{at}.throughput_per_s", row.throughput_per_s),
            row.status,
        )
    return table


def _reasons(bench: Bench) -> list[Text]:
    """Why a row failed or is wrong, one line each."""
    return [
        Text(f"{row.dtype} {row.mode} batch {row.batch_size}, {row.threads} threads, {row.status}: {row.reason}")
        for row in bench.rows
        if row.reason
    ]


def _marked(row: BenchRow, text: str) -> str:
    return f"{text} (!)" if row.warnings else text


def _details(figures: Figures, bench: Bench) -> list[Text]:
    """The best row's interval, limit, speed-up and gate, one line each."""
    best = bench.rows[bench.best_row] if bench.rows else None
    lines = []
    if (interval := bench.median_interval_ms) is not None:
        low, high = (figures.write("bench.median_ms", value) for value in (interval.low, interval.high))
        lines.append(f"median within {low} to {high} ms, at {interval.confidence:.0%} confidence in this process")
    if best is not None and (roof := best.roofline) is not None:
        bound = figures.write("bench.bound_ms", roof.bound_ms)
        lines.append(
            f"bound by {roof.bound}: at least {bound} ms on this device, {roof.achieved:.0%} of the limit reached"
        )
    if best is not None and (speed_up := best.speed_up) is not None:
        spread = "" if speed_up.interval is None else f" ({speed_up.interval.low:.3g} to {speed_up.interval.high:.3g})"
        lines.append(
            f"{speed_up.ratio:.3g} times as fast{spread} as {speed_up.reference} in {speed_up.reference_dtype} "
            f"with {speed_up.reference_threads} threads"
        )
    if (gate := bench.gate) is not None:
        verdict = "passed" if gate.passed else "FAILED"
        lines.append(
            f"gate {verdict}: {gate.ratio - 1:+.1%} ({gate.interval.low - 1:+.1%} to {gate.interval.high - 1:+.1%}) "
            f"against {gate.baseline}, limit +{gate.fail_above:.0%}"
        )
    return [Text(line) for line in lines]


def _picture(figures: Figures, bench: Bench) -> list[Text]:
    """Throughput of each right row as a bar, in order of latency."""
    right = [(index, row) for index, row in enumerate(bench.rows) if row.status == "measured" and row.latency_ms]
    if len(right) < 2:
        return []
    right.sort(key=lambda entry: entry[1].latency_ms.median if entry[1].latency_ms else 0.0)
    most = max(row.throughput_per_s or 0.0 for _, row in right)
    lines = [Text("Latency (ms) and throughput (per second)", style="bold")]
    for index, row in right:
        assert row.latency_ms is not None and row.throughput_per_s is not None
        at = f"bench.rows.{index}"
        median = figures.write(f"{at}.latency_ms.median", row.latency_ms.median)
        rate = figures.write(f"{at}.throughput_per_s", row.throughput_per_s)
        lines.append(Text(f"{median:>10} {'#' * max(1, round(WIDTH * row.throughput_per_s / most)):<{WIDTH}} {rate}"))
    return lines
