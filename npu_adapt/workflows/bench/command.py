"""How fast: every setting checked against the reference, then measured; one of batch size 1 is the result."""

from __future__ import annotations

import dataclasses
import gc
import signal
import threading
from collections.abc import Iterator
from typing import Any

import torch

from npu_adapt.devices.modes import EAGER
from npu_adapt.devices.selection import open_device
from npu_adapt.errors import NpuAdaptError, RunFailed, Sentence, UsageError, first_line
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.progress import Progress, Silent, doing
from npu_adapt.records import Bench, BenchRow, Fact, Summary
from npu_adapt.timing.loop import PRECISION_MINIMUM_SAMPLES
from npu_adapt.timing.statistics import MINIMUM_SAMPLES
from npu_adapt.workflows.bench.choice import best_row, result_row
from npu_adapt.workflows.bench.memory import memory_source
from npu_adapt.workflows.bench.options import BenchOptions
from npu_adapt.workflows.bench.rows import MeasuredRow, failed_row, measure_row, on_device
from npu_adapt.workflows.bench.settings import Measurement, Reference, Setting, failure_reason, reason_fields, rules_of
from npu_adapt.workflows.run.forward import Forwards, Side, run_forwards
from npu_adapt.workflows.run.infer import note_changing_forwards, record_forwards
from npu_adapt.workflows.run.request import RunRequest
from npu_adapt.workflows.run.session import Session, prepared
from npu_adapt.workflows.run.subject import Subject

FOREIGN_UTILIZATION = 0.05

# Fields that the section repeats from one row, for readers that know no rows.
REPEATED = (
    "dtype",
    "batch_size",
    "samples_ms",
    "peak_memory_bytes",
    "attention",
    "mode",
    "threads",
    "median_interval_ms",
    "real_time_factor",
    "prefill_tokens_per_s",
    "decode_tokens_per_s",
)


def bench(request: RunRequest, options: BenchOptions, progress: Progress, given: Subject | None = None) -> Summary:
    """Measures every setting. A row that fails says why, and the others go on.

    Raises `UsageError` for more than one input, and where no row could be measured what kept the first from it.
    """
    request = _one_to_load(request, options)
    with prepared(request, progress, allow_cpu=True, given=given) as session:
        if len(session.samples) > 1:
            raise UsageError(
                Sentence("{count} inputs: a benchmark measures one", count=len(session.samples)),
                hint="give one --input; --batch-size makes a batch of it",
            )
        shared = _shared_device_warnings(session)
        with session.stage("reference", doing("running-reference", device="cpu")):
            how = _measurement(session, options)
            session.settle()
        with session.stage("measure", doing("measuring"), fallbacks=False):
            rows = tuple(_rows(session, options, how))
        section = _section(session, tuple(measured.row for measured in rows), shared)
        _record_run(session, section, rows[section.result_row])
        session.explain(_reasons(section))
        _log(session, section)
        return session.publish(bench=section)


def _shared_device_warnings(session: Session) -> tuple[Fact, ...]:
    """Said before anything of ours runs on the device: whatever it does now, it does for others."""
    busy = session.device.utilization()
    if busy is None or busy <= FOREIGN_UTILIZATION:
        return ()
    return (Fact("device-shared", {"utilization": busy}),)


def _one_to_load(request: RunRequest, options: BenchOptions) -> RunRequest:
    """The request whose model every row is made from: the checkpoint's own type where there are several."""
    dtype = options.dtypes[0] if len(options.dtypes) == 1 else "auto"
    attention = options.attentions[0] if len(options.attentions) == 1 else "auto"
    return dataclasses.replace(request, dtype=dtype, attention=attention)


def _settings(session: Session, options: BenchOptions) -> Iterator[Setting]:
    loaded = session.loaded
    for one in options.each():
        (dtype,), (attention,), (mode,), (batch_size,) = one.dtypes, one.attentions, one.modes, one.batch_sizes
        yield Setting(
            dtype=loaded.dtype if dtype == "auto" else getattr(torch, dtype),
            attention=None if attention == "auto" else attention,
            mode=mode,
            threads=one.threads[0] if one.threads else torch.get_num_threads(),
            batch_size=batch_size,
        )


def _measurement(session: Session, options: BenchOptions) -> Measurement:
    """Runs the reference, and puts the model on the device that the rows are to be measured in turns with."""
    side = _float32_on(session, "cpu")
    forwards = run_forwards(side, session.samples, Silent(), warm=1)
    note_changing_forwards(session, forwards)
    reference = Reference(side, forwards.outputs[0])
    rival = None
    if options.against is not None:
        rival = side if options.against == "cpu" else _float32_on(session, options.against)
    # Of a device's own work the host's pace says nothing.
    with_pace = options.with_pace and session.device.torch_device.type == "cpu"
    return Measurement(rules_of(options), reference, rival, options.with_limits, with_pace)


def _float32_on(session: Session, name: str) -> Side:
    device = open_device(name, allow_cpu=True).device
    module = on_device(session.loaded, device.torch_device, torch.float32)
    return Side(module, device, torch.float32, session.loaded.task)


def _rows(session: Session, options: BenchOptions, how: Measurement) -> Iterator[MeasuredRow]:
    """Every setting's row. What the device, the compiler or the model says against a setting fails that row only."""
    settings = tuple(_settings(session, options))
    first_failure: NpuAdaptError | None = None
    measured = False
    for number, setting in enumerate(settings, 1):
        title = doing("measuring-row", number=number, rows=len(settings), setting=_describe(setting))
        if number > 1:
            _collect_garbage()  # what the last row left behind would count as this one's memory
        try:
            with session.progress.task(title, total=how.rules.iterations, unit="samples") as step:
                row = measure_row(session, setting, how, step)
            measured = True
        except UsageError:
            raise
        except (NpuAdaptError, RuntimeError, MemoryError) as error:  # RuntimeError: how torch refuses anything
            failure = _as_failure(session, setting, error, alone=len(settings) == 1)
            first_failure = first_failure or failure
            row = MeasuredRow(failed_row(setting, session.loaded.attention, failure_reason(failure)), {})
        session.journal.event("run", "row", **_row_fields(row.row))
        yield row
    if not measured and first_failure is not None:
        raise first_failure


def _collect_garbage() -> None:
    """An interrupt within a finalizer would be lost: one that comes meanwhile is raised afterwards."""
    if threading.current_thread() is not threading.main_thread():
        gc.collect()
        return
    interrupts: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
    try:
        gc.collect()
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupts:
        raise KeyboardInterrupt


def _as_failure(session: Session, setting: Setting, error: Exception, *, alone: bool) -> NpuAdaptError:
    """What to say of a row's failure. An unknown error of the one row there is goes on as it is: it may be a bug."""
    known = error if isinstance(error, NpuAdaptError) else session.device.classify(error, "measure")
    if known is not None:
        if known is not error:
            known.__cause__ = error
        return known
    if alone and setting.mode == EAGER:
        raise error
    failure = RunFailed(
        Sentence("{type}: {said}", type=type(error).__name__, said=first_line(error)),
        hint="start from a setting that runs: npu-adapt bench with --mode eager and --batch-size 1",
        stage="measure",
        kind="other",
    )
    failure.__cause__ = error
    return failure


def _describe(setting: Setting) -> str:
    dtype = dtype_name(setting.dtype)
    return f"{dtype}, {setting.mode}, batch {setting.batch_size}, {setting.threads} threads"


def _section(session: Session, rows: tuple[BenchRow, ...], warnings: tuple[Fact, ...]) -> Bench:
    """`warnings` are about all rows."""
    index = result_row(rows)
    result = rows[index]
    assert result.latency_ms is not None and result.throughput_per_s is not None
    wrong = () if result.reason is None else (result.reason,)
    return Bench(
        device=session.device.name,
        warmup=result.warmup,
        iterations=result.iterations,
        latency_ms=result.latency_ms,
        throughput_per_s=result.throughput_per_s,
        warnings=(*wrong, *warnings, *result.warnings),
        clock="device" if result.host_samples_ms else "host",
        memory_source=memory_source(session.device),
        rows=rows,
        best_row=best_row(rows),
        result_row=index,
        **{name: getattr(result, name) for name in REPEATED},
    )


def _record_run(session: Session, section: Bench, result: MeasuredRow) -> None:
    """`run` is the result row's: its outputs, and its median as the warm forward."""
    row = result.row
    status = "FAILED" if row.status == "wrong" else "SUCCESS"
    assert row.first_forward_ms is not None
    record_forwards(
        session, Forwards((result.outputs,), row.first_forward_ms, (section.latency_ms.median,)), status=status
    )
    session.record(
        dtype=row.dtype, attention=row.attention, threads=row.threads, peak_memory_bytes=_device_peak(session, row)
    )


def _device_peak(session: Session, row: BenchRow) -> int | None:
    """The row's peak where it is the device's own; resident memory is the benchmark's figure, not the run's."""
    return None if session.device.peak_memory_bytes() is None else row.peak_memory_bytes


def _reasons(section: Bench) -> dict[str, Fact]:
    needed = {
        "bench.latency_ms.p90": (section.latency_ms.p90, MINIMUM_SAMPLES[0.90]),
        "bench.latency_ms.p99": (section.latency_ms.p99, MINIMUM_SAMPLES[0.99]),
        "bench.median_interval_ms": (section.median_interval_ms, PRECISION_MINIMUM_SAMPLES),
    }
    return {
        path: Fact("too-few-samples", {"samples": section.iterations, "needed": least})
        for path, (figure, least) in needed.items()
        if figure is None
    }


def _row_fields(row: BenchRow) -> dict[str, Any]:
    return {
        "status": row.status,
        "dtype": row.dtype,
        "attention": row.attention,
        "mode": row.mode,
        "threads": row.threads,
        "batch_size": row.batch_size,
        "median_ms": row.latency_ms and row.latency_ms.median,
        **reason_fields(row.reason),
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
    )
    for warning in section.warnings:
        session.journal.event("run", "doubt", "warning", id=warning.id, **warning.values)
