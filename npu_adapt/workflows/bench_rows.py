"""One row of a benchmark: set up, checked against the reference, measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import torch

from npu_adapt.devices import modes
from npu_adapt.devices.device import Device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import RunFailed
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.progress import Step
from npu_adapt.records import BenchRow, ConfidenceInterval, Roofline, SpeedUp, Warning
from npu_adapt.timing import limits, load, loop, memory, statistics
from npu_adapt.timing.clock import clock_resolution_ms
from npu_adapt.workflows.forward import Outputs, Side
from npu_adapt.workflows.infer import require_numbers
from npu_adapt.workflows.session import Session

# The largest relative L2 error of a row against the CPU's float32. Rounding alone takes bfloat16 beyond 1 %.
TOLERANCES = {torch.float32: 0.01, torch.float16: 0.01, torch.bfloat16: 0.05}
MINIMUM_FOR_P99 = 100


@dataclass(frozen=True)
class Setting:
    """What one row varies. `attention` None: as the model was loaded."""

    dtype: torch.dtype
    attention: str | None
    mode: str
    threads: int
    batch_size: int


@dataclass(frozen=True)
class Reference:
    """The CPU's float32 forward that every row is checked against, and may be raced against."""

    side: Side
    outputs: Outputs  # of the first sample


@dataclass(frozen=True)
class Measurement:
    """How all rows are measured."""

    rules: loop.Rules
    reference: Reference
    race: bool  # measure the reference in turns with the device
    with_limits: bool


@contextmanager
def threads_set(count: int) -> Iterator[None]:
    """torch's thread count within the context."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def measure_row(session: Session, setting: Setting, how: Measurement, step: Step) -> BenchRow:
    """The row, measured or found wrong. Raises what the backend, the compiler or the model raises."""
    device = session.device
    with threads_set(setting.threads):
        memory_count = _MemoryCount(device)
        module = _module_for(session, setting)
        tensors = _batch(session, setting)
        device.synchronize()
        memory_count.weights_are_there(_bytes_of(module))
        forward = _forward_of(session, setting, module, tensors)
        started = time.perf_counter()
        outputs = forward()
        device.synchronize()
        first_ms = 1e3 * (time.perf_counter() - started)
        if setting.mode == modes.GRAPH:
            forward = modes.captured(forward, device)
            outputs = forward()
        require_numbers((outputs,))
        error = _error_against(outputs, how.reference.outputs, setting.batch_size)
        row = _timed(session, setting, how, forward, step)
        limit = TOLERANCES.get(setting.dtype, 0.01)
        right = error is not None and error <= limit
        return _replace(
            row,
            status="measured" if right else "wrong",
            reason="" if right else _wrongness(error, limit),
            relative_l2=error,
            first_forward_ms=first_ms,
            roofline=_roofline(session, setting, module, tensors, row) if how.with_limits else None,
            **memory_count.figures(),
        )


def failed_row(setting: Setting, attention: str, reason: str) -> BenchRow:
    """The row of a setting that could not be measured."""
    return BenchRow(**_columns(setting, attention), status="failed", reason=reason)


def _columns(setting: Setting, attention: str) -> dict[str, Any]:
    return {
        "dtype": str(setting.dtype).removeprefix("torch."),
        "attention": setting.attention or attention,
        "mode": setting.mode,
        "threads": setting.threads,
        "batch_size": setting.batch_size,
    }


def _replace(row: BenchRow, **fields: object) -> BenchRow:
    return msgspec.structs.replace(row, **fields)


def _module_for(session: Session, setting: Setting) -> torch.nn.Module:
    session.device.require_dtype(setting.dtype)
    module = copy_to(session.loaded.module, session.device.torch_device, setting.dtype)
    if setting.attention is not None and setting.attention != session.loaded.attention:
        module.set_attn_implementation(setting.attention)  # type: ignore[operator]
    return module


def _batch(session: Session, setting: Setting) -> Mapping[str, torch.Tensor]:
    """The first sample, repeated along the batch dimension."""
    tensors = session.samples[0].to(session.device.torch_device, setting.dtype)
    if setting.batch_size == 1:
        return tensors
    return {name: tensor.repeat(setting.batch_size, *[1] * (tensor.dim() - 1)) for name, tensor in tensors.items()}


def _forward_of(
    session: Session, setting: Setting, module: torch.nn.Module, tensors: Mapping[str, torch.Tensor]
) -> Callable[[], Outputs]:
    task = session.loaded.task
    called = modes.compiled(module, session.device) if setting.mode == modes.COMPILE else module

    def forward() -> Outputs:
        with torch.inference_mode():
            return task.forward(called, tensors)

    return forward


def _error_against(outputs: Outputs, reference: Outputs, batch_size: int) -> float | None:
    """The largest relative L2 over outputs and members of the batch; None: not finite."""
    worst = 0.0
    for name, expected in reference.items():
        found = outputs[name].cpu()
        if found.shape[0] != expected.shape[0] * batch_size:
            raise RunFailed(
                f"{name} has shape {tuple(found.shape)} for a batch of {batch_size}, "
                f"and {tuple(expected.shape)} for a batch of 1",
                hint="this task takes one input at a time; leave --batch-size out",
                stage="check",
                kind="other-outputs",
            )
        for member in torch.split(found, expected.shape[0]):
            error = compare_tensors(member, expected).relative_l2
            if error is None:
                return None
            worst = max(worst, error)
    return worst


def _wrongness(error: float | None, limit: float) -> str:
    size = "not finite" if error is None else f"{error:.3g}"
    return f"relative L2 against the CPU's float32 is {size}, above {limit:.3g}"


def _timed(
    session: Session, setting: Setting, how: Measurement, forward: Callable[[], Outputs], step: Step
) -> BenchRow:
    device, rules = session.device, how.rules
    subjects = [loop.Subject(forward, device.synchronize, device.event_timer())]
    if how.race:
        side = how.reference.side
        tensors = {
            name: tensor.repeat(setting.batch_size, *[1] * (tensor.dim() - 1))
            for name, tensor in side.tensors(session.samples[0]).items()
        }
        subjects.append(loop.Subject(lambda: side.forward(tensors), side.device.synchronize))
    before: list[load.Reading] = []
    told = 0

    def on_sample(rounds: int) -> None:
        nonlocal told
        step.advance(rounds - told)
        told = rounds

    measured = loop.measure_alternately(
        subjects, rules, on_sample=on_sample, on_start=lambda: before.append(load.read())
    )
    load_warnings = load.warnings_between(before[0], load.read())
    own = measured[0]
    samples = own.device_ms or own.host_ms
    interval = statistics.median_interval(samples)
    host_median = statistics.median(own.host_ms)
    return BenchRow(
        **_columns(setting, session.loaded.attention),
        status="measured",
        warmup=len(own.warmup_ms),
        iterations=len(samples),
        ended_by=own.ended_by,
        steady=own.steady,
        latency_ms=statistics.latency(samples),
        median_interval_ms=None if interval is None else _interval(interval),
        samples_ms=samples,
        host_samples_ms=own.host_ms if own.device_ms is not None else (),
        launch_gap_ms=host_median - statistics.median(own.device_ms) if own.device_ms is not None else None,
        warmup_ms=sum(own.warmup_ms),
        throughput_per_s=1e3 * setting.batch_size / host_median,
        speed_up=_speed_up(how.reference.side, measured[1], own) if how.race else None,
        warnings=(*load_warnings, *_own_warnings(own, rules, samples)),
    )


def _interval(found: statistics.Interval | statistics.Ratio) -> ConfidenceInterval:
    return ConfidenceInterval(low=found.low, high=found.high, confidence=found.confidence)


def _own_warnings(own: loop.Samples, rules: loop.Rules, samples: tuple[float, ...]) -> tuple[Warning, ...]:
    """What the samples say against themselves, and what kept them from being what was asked for."""
    found = list(statistics.warnings_of(samples, resolution_ms=clock_resolution_ms()))
    if own.steady is False:
        found.append(Warning(id="not-steady", message="calls were still getting faster when warm-up ran out of time"))
    if own.ended_by == "max-seconds":
        wanted = [] if rules.iterations is None else [f"{rules.iterations} iterations"]
        wanted += [] if rules.precision is None else [f"a precision of {rules.precision:.3g}"]
        goal = " and ".join(wanted) or "the end"
        found.append(
            Warning(id="time-limit", message=f"the time limit ended it after {len(samples)} samples, before {goal}")
        )
    if len(samples) < MINIMUM_FOR_P99:
        found.append(
            Warning(id="few-samples", message=f"{len(samples)} samples are too few for a p99, which takes 100")
        )
    return tuple(found)


def _speed_up(side: Side, reference: loop.Samples, own: loop.Samples) -> SpeedUp:
    ratio = statistics.paired_ratio(reference.host_ms, own.host_ms)
    reference_median = statistics.median(reference.host_ms)
    return SpeedUp(
        reference=side.device.name,
        reference_dtype=str(side.dtype).removeprefix("torch."),
        reference_threads=torch.get_num_threads(),
        reference_median_ms=reference_median,
        ratio=ratio.estimate if ratio is not None else reference_median / statistics.median(own.host_ms),
        interval=None if ratio is None else _interval(ratio),
    )


def _roofline(
    session: Session,
    setting: Setting,
    module: torch.nn.Module,
    tensors: Mapping[str, torch.Tensor],
    row: BenchRow,
) -> Roofline:
    device, task = session.device, session.loaded.task

    def forward() -> list[torch.Tensor]:
        with torch.inference_mode():
            return list(task.forward(module, tensors).values())

    assert row.latency_ms is not None
    held = (*module.parameters(), *module.buffers(), *tensors.values())
    demand = limits.measure_demand(forward, held)
    found = limits.measure_limits(device.torch_device, setting.dtype, device.synchronize)
    return limits.roofline(found, demand, row.latency_ms.median)


def _bytes_of(module: torch.nn.Module) -> int:
    held = {id(tensor): tensor.numel() * tensor.element_size() for tensor in (*module.parameters(), *module.buffers())}
    return sum(held.values())


class _MemoryCount:
    """Peak memory of a row: by the device's statistics, on a device without them by the kernel's for this process."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._resets = True
        self._weights = self._before = 0

    def weights_are_there(self, weights: int) -> None:
        self._weights = weights
        self._device.reset_peak_memory()
        held = self._device.allocated_bytes()
        if held is None:
            self._resets = memory.reset_peak()
            held = memory.resident_bytes()
        self._before = held

    def figures(self) -> dict[str, int | None]:
        peak = self._device.peak_memory_bytes()
        counted = peak is not None or self._resets
        peak = memory.peak_bytes() if peak is None else peak
        return {
            "weights_bytes": self._weights,
            "peak_memory_bytes": peak,
            "activations_bytes": max(0, peak - self._before) if counted else None,
        }


def memory_source(device: Device) -> str:
    """What `peak_memory_bytes` counts on this device."""
    if device.peak_memory_bytes() is not None:
        return "the device's own statistics, since the weights were there"
    if memory.reset_peak():
        return "resident memory of the process, since the weights were there"
    return "resident memory of the process, since it began"
