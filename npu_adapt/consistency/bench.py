"""What a benchmark's figures derive from: latencies from samples, rates from latencies, the section from its row."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import asdict

from npu_adapt.consistency.contradiction import Contradiction, held
from npu_adapt.records import Bench, BenchRow, Gate, Latency, Roofline, SpeedUp, Summary
from npu_adapt.timing import statistics

# Fields that the section repeats from its best row.
REPEATED = (
    "dtype",
    "attention",
    "mode",
    "threads",
    "batch_size",
    "warmup",
    "iterations",
    "latency_ms",
    "samples_ms",
    "throughput_per_s",
    "peak_memory_bytes",
    "median_interval_ms",
    "real_time_factor",
    "prefill_tokens_per_s",
    "decode_tokens_per_s",
)


def of_bench(summary: Summary) -> Iterator[Contradiction]:
    """The contradictions of `bench`."""
    bench = summary.bench
    if bench is None:
        return
    yield from _of_samples("bench", bench.samples_ms, bench.latency_ms, bench.iterations)
    yield from _interval("bench", bench)
    for at, row in enumerate(bench.rows):
        yield from _of_row(f"bench.rows.{at}", row)
    if not bench.rows:
        if bench.clock == "host":
            derived = 1e3 * bench.batch_size / statistics.median(bench.samples_ms)
            yield from held("bench.throughput_per_s", bench.throughput_per_s, derived, "batch_size and samples_ms")
    elif not 0 <= bench.result_row < len(bench.rows):
        yield Contradiction("bench.result_row", bench.result_row, f"0 to {len(bench.rows) - 1}", "bench.rows")
    else:
        yield from held("bench.best_row", bench.best_row, _fastest(bench), "throughput_per_s of bench.rows")
        best = bench.rows[bench.result_row]
        for name in REPEATED:
            source = f"bench.rows.{bench.result_row}.{name}, the row that result_row names"
            yield from held(f"bench.{name}", getattr(bench, name), getattr(best, name), source)
        clock = "device" if best.host_samples_ms else "host"
        yield from held("bench.clock", bench.clock, clock, f"bench.rows.{bench.result_row}.host_samples_ms")
    if bench.gate is not None:
        yield from _of_gate(bench, bench.gate)


def _fastest(bench: Bench) -> int:
    """The right row of the highest throughput; where all that ran are wrong, the first of those."""
    rows = bench.rows
    right = [at for at, row in enumerate(rows) if row.status == "measured"]
    among = right or [at for at, row in enumerate(rows) if row.status == "wrong"][:1]
    return max(among, key=lambda at: rows[at].throughput_per_s or 0.0, default=bench.best_row)


def _of_samples(
    path: str, samples: tuple[float, ...], latency: Latency | None, iterations: int
) -> Iterator[Contradiction]:
    if latency is None or not samples:
        return
    source = f"{path}.samples_ms"
    yield from held(f"{path}.iterations", iterations, len(samples), source)
    recorded, derived = asdict(latency), asdict(statistics.latency(samples))
    for name in derived:
        yield from held(f"{path}.latency_ms.{name}", recorded[name], derived[name], source)


def _interval(path: str, of: Bench | BenchRow) -> Iterator[Contradiction]:
    found = of.median_interval_ms
    if found is None or not of.samples_ms:
        return
    derived = statistics.median_interval(of.samples_ms, found.confidence)
    if derived is not None:
        for name in ("low", "high"):
            source = f"{path}.samples_ms"
            yield from held(f"{path}.median_interval_ms.{name}", getattr(found, name), getattr(derived, name), source)


def _of_row(path: str, row: BenchRow) -> Iterator[Contradiction]:
    yield from held(f"{path}.status", row.status == "failed", row.latency_ms is None, f"{path}.latency_ms")
    yield from _of_samples(path, row.samples_ms, row.latency_ms, row.iterations)
    yield from _interval(path, row)
    host = row.host_samples_ms or row.samples_ms
    if row.latency_ms is None or not host:
        return
    median = statistics.median(host)
    if row.throughput_per_s is not None:
        derived = 1e3 * row.batch_size / median
        yield from held(f"{path}.throughput_per_s", row.throughput_per_s, derived, "batch_size and the host's samples")
    if row.host_samples_ms and row.launch_gap_ms is not None:
        gap = median - statistics.median(row.samples_ms)
        yield from held(f"{path}.launch_gap_ms", row.launch_gap_ms, gap, "both clocks' samples")
    if row.decode_samples_ms and row.decode_tokens_per_s is not None:
        derived = 1e3 * row.batch_size / statistics.median(row.decode_samples_ms)
        yield from held(f"{path}.decode_tokens_per_s", row.decode_tokens_per_s, derived, f"{path}.decode_samples_ms")
    if row.roofline is not None:
        yield from _of_roofline(f"{path}.roofline", row.roofline, row.latency_ms.median)
    if row.speed_up is not None:
        yield from _of_speed_up(f"{path}.speed_up", row.speed_up, median)


def _of_roofline(path: str, roofline: Roofline, median_ms: float) -> Iterator[Contradiction]:
    roofs = {
        "compute": 1e3 * roofline.flop / roofline.matmul_flop_per_s,
        "memory": 1e3 * roofline.bytes / roofline.copy_bytes_per_s,
        "launch": roofline.operators * roofline.launch_ms,
    }
    bound = max(roofs, key=lambda name: roofs[name])
    yield from held(f"{path}.bound", roofline.bound, bound, "the device's limits and the model's demand")
    yield from held(f"{path}.bound_ms", roofline.bound_ms, roofs[bound], "the device's limits and the model's demand")
    yield from held(f"{path}.achieved", roofline.achieved, roofs[bound] / median_ms, "bound_ms and the median latency")


def _of_speed_up(path: str, speed_up: SpeedUp, median_ms: float) -> Iterator[Contradiction]:
    interval = speed_up.interval
    if interval is None:
        derived = speed_up.reference_median_ms / median_ms
        yield from held(f"{path}.ratio", speed_up.ratio, derived, "reference_median_ms and the median")
    elif not interval.low <= speed_up.ratio <= interval.high:
        yield Contradiction(f"{path}.ratio", speed_up.ratio, (interval.low, interval.high), f"{path}.interval")


def _of_gate(bench: Bench, gate: Gate) -> Iterator[Contradiction]:
    limit, interval, path = 1 + gate.fail_above, gate.interval, "bench.gate"
    source = "its interval and fail_above"
    yield from held(f"{path}.passed", gate.passed, interval.low <= limit, source)
    yield from held(f"{path}.decided", gate.decided, not interval.low <= limit <= interval.high, source)
    if gate.paced or not gate.baseline_medians_ms:
        return
    ratio = statistics.group_ratio(bench.process_medians_ms, gate.baseline_medians_ms, interval.confidence)
    if ratio is not None:
        yield from held(f"{path}.ratio", gate.ratio, ratio.estimate, "both sides' medians")
        for name in ("low", "high"):
            derived = getattr(ratio, name)
            yield from held(f"{path}.interval.{name}", getattr(interval, name), derived, "both sides' medians")
