"""How fast: every setting checked against the reference, then measured; the fastest right one is the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

from npu_adapt.devices.modes import EAGER
from npu_adapt.devices.selection import open_device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import NpuAdaptError, RunFailed, UsageError
from npu_adapt.progress import Progress
from npu_adapt.records import Bench, BenchRow, Summary, Timings, Warning
from npu_adapt.timing.loop import Rules
from npu_adapt.workflows.bench_rows import Measurement, Reference, Setting, failed_row, measure_row, memory_source
from npu_adapt.workflows.forward import Side, run_forwards
from npu_adapt.workflows.infer import record_forwards, require_numbers
from npu_adapt.workflows.session import RunRequest, Session, prepared

DEFAULT_PRECISION = 0.01
DEFAULT_MAX_SECONDS = 30.0  # a row that does not become precise in this time says so


@dataclass(frozen=True)
class BenchOptions:
    """What to vary, and when a row ends."""

    iterations: int | None = None
    warmup: int | None = None  # None: until steady
    precision: float | None = None
    max_seconds: float | None = None
    batch_sizes: tuple[int, ...] = (1,)
    dtypes: tuple[str, ...] = ("auto",)
    attentions: tuple[str, ...] = ("auto",)
    modes: tuple[str, ...] = (EAGER,)
    threads: tuple[int, ...] = ()  # empty: as torch decides
    against: str | None = None  # a device to race against in turns
    with_limits: bool = True

    def rules(self) -> Rules:
        """`--iters` alone means exactly that many; otherwise until precise, or out of time."""
        precise = self.precision if self.iterations is not None else self.precision or DEFAULT_PRECISION
        limited = self.max_seconds if self.iterations is not None else self.max_seconds or DEFAULT_MAX_SECONDS
        return Rules(iterations=self.iterations, precision=precise, max_seconds=limited, warmup=self.warmup)


def bench(request: RunRequest, options: BenchOptions, progress: Progress) -> Summary:
    """Measures every setting. A row that fails says why, and the others go on.

    Raises `RunFailed` where no row could be measured, the first row's reason in it.
    """
    request = _one_to_load(request, options)
    with prepared(request, progress, allow_cpu=True) as session:
        with session.stage("reference", "running the reference on the CPU"):
            reference = _reference(session, options)
        how = Measurement(options.rules(), reference, options.against is not None, options.with_limits)
        rows = tuple(_rows(session, options, how))
        section = _section(session, rows)
        _record_run(session, section)
        session.explain(_reasons(section))
        _log(session, section)
        return session.publish(bench=section)


def _one_to_load(request: RunRequest, options: BenchOptions) -> RunRequest:
    """The request whose model every row is made from: the checkpoint's own type where there are several."""
    dtype = options.dtypes[0] if len(options.dtypes) == 1 else "auto"
    attention = options.attentions[0] if len(options.attentions) == 1 else "auto"
    return dataclasses.replace(request, dtype=dtype, attention=attention)


def _settings(session: Session, options: BenchOptions) -> Iterator[Setting]:
    loaded = session.loaded
    for dtype, attention, mode, threads, batch_size in product(
        options.dtypes,
        options.attentions,
        options.modes,
        options.threads or (torch.get_num_threads(),),
        options.batch_sizes,
    ):
        yield Setting(
            dtype=loaded.dtype if dtype == "auto" else getattr(torch, dtype),
            attention=None if attention == "auto" else attention,
            mode=mode,
            threads=threads,
            batch_size=batch_size,
        )


def _reference(session: Session, options: BenchOptions) -> Reference:
    loaded = session.loaded
    device = open_device(options.against or "cpu", allow_cpu=True).device
    module = copy_to(loaded.module, device.torch_device, torch.float32)
    side = Side(module, device, torch.float32, loaded.task)
    outputs, _ = side.forward(side.tensors(session.samples[0]))
    return Reference(side, {name: tensor.cpu() for name, tensor in outputs.items()})


def _rows(session: Session, options: BenchOptions, how: Measurement) -> Iterator[BenchRow]:
    settings = tuple(_settings(session, options))
    first_failure: Exception | None = None
    measured = False
    for number, setting in enumerate(settings, 1):
        title = f"measuring {number} of {len(settings)}: {_describe(setting)}"
        try:
            with session.progress.task(title, total=how.rules.iterations, unit="samples") as step:
                row = measure_row(session, setting, how, step)
            measured = True
        except (NpuAdaptError, RuntimeError, TypeError, ValueError, AttributeError, ImportError, MemoryError) as error:
            if isinstance(error, UsageError):
                raise
            failure = error if isinstance(error, NpuAdaptError) else session.device.classify(error, "measure")
            if failure is None and setting.mode == EAGER and len(settings) == 1:
                raise
            first_failure = first_failure or failure or error
            row = failed_row(setting, session.loaded.attention, _first_line(failure or error))
        session.journal.event("run", "row", **_row_fields(row))
        yield row
    if not measured and first_failure is not None:
        raise _nothing_measured(first_failure, len(settings)) from first_failure


def _nothing_measured(error: Exception, count: int) -> NpuAdaptError:
    """What to raise when no row was measured: the first failure, as it is where it is one of ours."""
    if isinstance(error, NpuAdaptError):
        return error
    return RunFailed(
        f"none of {count} settings could be measured: {_first_line(error)}",
        hint="start from one that runs: npu-adapt bench with --mode eager and --batch-size 1",
        stage="measure",
        kind="other",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _describe(setting: Setting) -> str:
    dtype = str(setting.dtype).removeprefix("torch.")
    return f"{dtype}, {setting.mode}, batch {setting.batch_size}, {setting.threads} threads"


def best_row(rows: tuple[BenchRow, ...]) -> int:
    """The right row of the highest throughput; where all that ran are wrong, the first of those."""
    right = [index for index, row in enumerate(rows) if row.status == "measured"]
    if right:
        return max(right, key=lambda index: rows[index].throughput_per_s or 0.0)
    return next(index for index, row in enumerate(rows) if row.status == "wrong")


def _section(session: Session, rows: tuple[BenchRow, ...]) -> Bench:
    index = best_row(rows)
    best = rows[index]
    assert best.latency_ms is not None and best.throughput_per_s is not None
    wrong = () if best.status == "measured" else (Warning(id="wrong-output", message=best.reason),)
    return Bench(
        device=session.device.name,
        dtype=best.dtype,
        batch_size=best.batch_size,
        warmup=best.warmup,
        iterations=best.iterations,
        latency_ms=best.latency_ms,
        samples_ms=best.samples_ms,
        throughput_per_s=best.throughput_per_s,
        peak_memory_bytes=best.peak_memory_bytes,
        warnings=(*wrong, *best.warnings),
        attention=best.attention,
        mode=best.mode,
        threads=best.threads,
        median_interval_ms=best.median_interval_ms,
        clock="device" if best.host_samples_ms else "host",
        memory_source=memory_source(session.device),
        rows=rows,
        best_row=index,
    )


def _record_run(session: Session, section: Bench) -> None:
    """`run` is the best row's."""
    best = section.rows[section.best_row]
    device, loaded = session.device, session.loaded
    dtype = getattr(torch, best.dtype)
    side = Side(copy_to(loaded.module, device.torch_device, dtype), device, dtype, loaded.task)
    forwards = run_forwards(side, session.samples[:1], session.progress, warm=0)
    require_numbers(forwards.outputs)
    record_forwards(session, forwards)
    session.record(
        dtype=best.dtype,
        attention=best.attention,
        threads=best.threads,
        timings_ms=Timings(
            load=session.load_ms, first_forward=best.first_forward_ms, warm_forward=section.latency_ms.median
        ),
    )


def _reasons(section: Bench) -> dict[str, str]:
    few = f"{section.iterations} samples are too few"
    absent = {
        "bench.latency_ms.p90": section.latency_ms.p90 is None and f"{few} for a p90, which takes 10",
        "bench.latency_ms.p99": section.latency_ms.p99 is None and f"{few} for a p99, which takes 100",
        "bench.median_interval_ms": section.median_interval_ms is None and f"{few} for an interval, which takes 6",
    }
    return {path: why for path, why in absent.items() if why}


def _row_fields(row: BenchRow) -> dict[str, Any]:
    return {
        "status": row.status,
        "dtype": row.dtype,
        "attention": row.attention,
        "mode": row.mode,
        "threads": row.threads,
        "batch_size": row.batch_size,
        "median_ms": row.latency_ms and row.latency_ms.median,
        "reason": row.reason or None,
    }


def _log(session: Session, section: Bench) -> None:
    session.journal.event(
        "run",
        "bench",
        device=section.device,
        iterations=section.iterations,
        median_ms=section.latency_ms.median,
        p99_ms=section.latency_ms.p99,
        throughput_per_s=section.throughput_per_s,
        warnings=tuple(warning.id for warning in section.warnings) or None,
    )
