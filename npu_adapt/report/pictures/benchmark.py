"""Pictures of a benchmark: each latency sample, and latency against throughput of all settings."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.records import BenchRow
from npu_adapt.report.figures import Figures
from npu_adapt.report.pictures.plot import Guide, Plot, Series, between, linear
from npu_adapt.rounding import milliseconds

MOST_SAMPLES = 500  # drawn; of more, every second or third is
COLOURS = 6


def samples(figures: Figures) -> Iterator[Plot]:
    """The samples of the benchmark's result in the order of measurement; nothing where none were kept."""
    bench = figures.summary.bench
    row = None if bench is None or not bench.rows else bench.rows[bench.result_row]
    if bench is None or row is None or len(row.samples_ms) < 2:
        return
    every = -(-len(row.samples_ms) // MOST_SAMPLES)
    points = tuple((float(at + 1), value) for at, value in enumerate(row.samples_ms))[::every]
    guides = [
        Guide(figures.say("plot-median", value=milliseconds(bench.latency_ms.median)), bench.latency_ms.median, "y")
    ]
    if bench.latency_ms.p99 is not None:
        guides.append(
            Guide(figures.say("plot-p99", value=milliseconds(bench.latency_ms.p99)), bench.latency_ms.p99, "y")
        )
    if row.roofline is not None:
        bound = row.roofline.bound_ms
        guides.append(Guide(figures.say("plot-limit", value=milliseconds(bound)), bound, "y", "limit"))
    low, high = min(row.samples_ms), max(row.samples_ms)
    yield Plot(
        title=figures.say("plot-latency"),
        says=figures.say(
            "plot-latency-says",
            count=figures.write("count", len(row.samples_ms)),
            low=milliseconds(low),
            high=milliseconds(high),
            median=milliseconds(bench.latency_ms.median),
        ),
        x_title=figures.say("plot-latency-x"),
        y_title=figures.say("plot-latency-y"),
        x=between(1, len(row.samples_ms)),
        y=linear((high, *(each.value for each in guides))),
        series=(Series(figures.say("plot-samples"), points, 1, "dots"),),
        guides=tuple(guides),
    )


def sweep(figures: Figures) -> Iterator[Plot]:
    """Every right row of a benchmark of several, those of one setting joined in the order of their batch sizes."""
    bench = figures.summary.bench
    rows = [] if bench is None else [row for row in bench.rows if row.status == "measured"]
    settings: dict[str, list[tuple[int, float, float]]] = {}
    for row in rows:
        if row.latency_ms is not None and row.throughput_per_s is not None:
            point = (row.batch_size, row.latency_ms.median, row.throughput_per_s)
            settings.setdefault(_setting(figures, row), []).append(point)
    points = [point for each in settings.values() for point in each]
    if len(points) < 2:
        return
    best = max(rate for _, _, rate in points)
    yield Plot(
        title=figures.say("plot-sweep"),
        says=figures.say("plot-sweep-says", count=str(len(points)), best=figures.write("best_per_s", best)),
        x_title=figures.say("plot-sweep-x"),
        y_title=figures.say("plot-sweep-y"),
        x=linear(latency for _, latency, _ in points),
        y=linear(rate for _, _, rate in points),
        series=tuple(
            Series(
                name,
                tuple((latency, rate) for _, latency, rate in sorted(each)),
                1 + at % COLOURS,
                labels=tuple(figures.say("plot-batch", size=str(size)) for size, _, _ in sorted(each)),
            )
            for at, (name, each) in enumerate(settings.items())
        ),
    )


def _setting(figures: Figures, row: BenchRow) -> str:
    return figures.say(
        "plot-setting", dtype=row.dtype, attention=row.attention, mode=row.mode, threads=str(row.threads)
    )
