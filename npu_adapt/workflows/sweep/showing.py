"""What the matrix shows of a model, taken from its summaries."""

from __future__ import annotations

from msgspec.structs import asdict, replace

from npu_adapt.records import Summary
from npu_adapt.records.sweep import ModelFigures


def figures_with(before: ModelFigures, summary: Summary) -> ModelFigures:
    """`before` with what the summary says; sections of other devices or arithmetics each fill their own fields."""
    found = ModelFigures(
        **{**_of_model(summary), **_of_run(summary), **_of_compare(summary), **_of_bench(summary)}  # type: ignore[arg-type]
    )
    default = ModelFigures()
    changed = {name: value for name, value in asdict(found).items() if value != getattr(default, name)}
    return replace(before, **changed)


def _of_model(summary: Summary) -> dict[str, object]:
    model = summary.model
    return {} if model is None else {"task": model.task, "parameters": model.parameters}


def _of_run(summary: Summary) -> dict[str, object]:
    run = summary.run
    if run is None:
        return {}
    return {
        "dtype": run.dtype,
        "runs": run.failure is None,
        "rehearsed": run.status == "REHEARSED",
        "memory_bytes": run.peak_memory_bytes,
    }


def _of_compare(summary: Summary) -> dict[str, object]:
    compare = summary.compare
    if compare is None:
        return {}
    floors = [each.error_over_floor for each in compare.outputs if each.error_over_floor is not None]
    found = None if compare.arithmetic is None else compare.arithmetic.found
    readings = () if compare.arithmetic is None else compare.arithmetic.readings
    arithmetic = {} if found is None else {name: value for name, value in asdict(found).items() if value is not None}
    return {
        "right": compare.verdict.passed,
        "floors": max(floors, default=None),
        "within_1_percent": compare.match_within_1_percent,
        "arithmetic": arithmetic,
        "operand_bits": {each.operators: each.operand_bits for each in readings if each.operators in arithmetic},
    }


def _of_bench(summary: Summary) -> dict[str, object]:
    bench = summary.bench
    if bench is None:
        return {}
    interval = bench.median_interval_ms
    row = bench.rows[bench.result_row] if bench.rows else None
    found: dict[str, object] = {
        "latency_ms": bench.latency_ms.median,
        "latency_interval_ms": None if interval is None else (interval.low, interval.high),
        "of_limit": None if row is None or row.roofline is None else row.roofline.achieved,
    }
    if bench.peak_memory_bytes is not None:
        found["memory_bytes"] = bench.peak_memory_bytes
    return found
