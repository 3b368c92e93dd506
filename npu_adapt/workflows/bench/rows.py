"""One row of a benchmark: set up, checked against the reference, measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import msgspec
import torch

from npu_adapt.devices import modes
from npu_adapt.devices.device import Device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import RunFailed, Sentence, few
from npu_adapt.models.tasks.task import LoadedModel
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.progress import Step
from npu_adapt.records import BenchRow, Fact, Roofline
from npu_adapt.threads import require_threads
from npu_adapt.timing import limits, loop, memory
from npu_adapt.timing.pace import reader
from npu_adapt.workflows.bench.memory import MemoryCount
from npu_adapt.workflows.bench.samples import timing_fields
from npu_adapt.workflows.bench.settings import Measurement, Setting, wrongness
from npu_adapt.workflows.bench.tokens import generation_fields
from npu_adapt.workflows.run.forward import Outputs
from npu_adapt.workflows.run.infer import require_numbers
from npu_adapt.workflows.run.session import Session

ABOVE_LIMIT = 1.05  # a row this far above the device's own limit shows that the limit was measured too low

CPU_TYPE = "cpu"


@dataclass(frozen=True)
class MeasuredRow:
    """A row, and what the model said in it."""

    row: BenchRow
    outputs: Outputs  # of the batch's first member, on the CPU


@contextmanager
def threads_set(count: int) -> Iterator[None]:
    """torch's thread count within the context. Raises `RunFailed` where so many cannot be started."""
    before = torch.get_num_threads()
    require_threads(count - before)
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def measure_row(session: Session, setting: Setting, how: Measurement, step: Step) -> MeasuredRow:
    """The row, measured or found wrong. Raises what the backend, the compiler or the model raises."""
    device, task = session.device, session.loaded.task
    # Where the model lives in the machine's own memory, a batch too large must be an error and not the process's end.
    with threads_set(setting.threads), memory.bounded() if device.allocated_bytes() is None else nullcontext():
        count = MemoryCount(device)
        module = _module_for(session, setting)
        tensors = task.batch(session.samples[0].to(device.torch_device, setting.dtype), setting.batch_size)
        device.synchronize()
        count.weights_are_there(module)
        eager = _forward_of(session, module, tensors)
        forward = eager
        if setting.mode == modes.COMPILE:
            forward = _forward_of(session, modes.compiled(module, device), tensors)
        outputs, first_ms = _first_forward(session, setting, forward)
        if setting.mode == modes.GRAPH:
            forward = modes.captured(forward, device)
            outputs = forward()
            device.synchronize()
        memory_fields = count.figures()
        require_numbers((outputs,))
        error = error_against(outputs, how.reference.outputs, setting.batch_size)
        first_member = {name: first_of(tensor).to("cpu", copy=True) for name, tensor in outputs.items()}
        held = (*module.parameters(), *module.buffers(), *tensors.values())
        prepare = reader(limits.read_whole(eager, held)) if how.with_pace else None
        workload = loop.Workload(forward, device.synchronize, device.event_timer(), prepare=prepare)
        fields = timing_fields(session, setting, workload, how, step)
        wrong = wrongness(error, setting.dtype)
        if task.generation is not None and setting.mode == modes.EAGER:  # its shapes grow, which compiles each anew
            generated, wrong_tokens = generation_fields(session, setting, module, tensors, how)
            fields |= generated
            wrong = wrong or wrong_tokens
        row = BenchRow(
            **_columns(setting, session.loaded.attention),
            **fields,
            **memory_fields,
            status="wrong" if wrong else "measured",
            reason=wrong,
            relative_l2=error,
            first_forward_ms=first_ms,
        )
        if how.with_limits:
            demand = limits.measure_demand(lambda: eager().values(), held)
            row = _with_roofline(device, setting.dtype, demand, row)
        return MeasuredRow(row, first_member)


def first_of(output: torch.Tensor) -> torch.Tensor:
    """The batch's first member; a single number is that of all."""
    return output[:1] if output.dim() else output


def failed_row(setting: Setting, attention: str, reason: Fact) -> BenchRow:
    """The row of a setting that could not be measured."""
    return BenchRow(**_columns(setting, attention), status="failed", reason=reason)


def _columns(setting: Setting, attention: str) -> dict[str, Any]:
    return {
        "dtype": dtype_name(setting.dtype),
        "attention": setting.attention or attention,
        "mode": setting.mode,
        "threads": setting.threads,
        "batch_size": setting.batch_size,
    }


def _module_for(session: Session, setting: Setting) -> torch.nn.Module:
    """The model as the row wants it: the loaded one itself where that is it, else a copy."""
    loaded, device = session.loaded, session.device
    device.require_dtype(setting.dtype)
    other_attention = setting.attention is not None and setting.attention != loaded.attention
    module = on_device(loaded, device.torch_device, setting.dtype, copied=other_attention)
    if other_attention:
        try:
            module.set_attn_implementation(setting.attention)  # type: ignore[operator]
        except (ValueError, ImportError, AttributeError) as error:
            raise RunFailed(
                Sentence(
                    "{architecture} has no attention {attention!r}: {error}",
                    architecture=loaded.info.architecture,
                    attention=setting.attention,
                    error=error,
                ),
                hint="leave --attention out: the model then takes its own",
                stage="set-up",
                kind="attention-not-supported",
            ) from error
    return module


def _is_on(module: torch.nn.Module, device: torch.device) -> bool:
    """Whether the module is on a device of that type; one without parameters, on the CPU."""
    first = next(module.parameters(), None)
    return (CPU_TYPE if first is None else first.device.type) == device.type


def on_device(
    loaded: LoadedModel, device: torch.device, dtype: torch.dtype, *, copied: bool = False
) -> torch.nn.Module:
    """The model on `device` in `dtype`: the loaded one itself, unless `copied`, where it is there in that type."""
    if not copied and loaded.dtype == dtype and _is_on(loaded.module, device):
        return loaded.module
    return copy_to(loaded.module, device, dtype)


def _forward_of(
    session: Session, called: torch.nn.Module, tensors: Mapping[str, torch.Tensor]
) -> Callable[[], Outputs]:
    task = session.loaded.task

    def forward() -> Outputs:
        with torch.inference_mode():
            return task.forward(called, tensors)

    return forward


def _first_forward(session: Session, setting: Setting, forward: Callable[[], Outputs]) -> tuple[Outputs, float]:
    """The first outputs and their wall time in milliseconds, compilation included; notes what falls back to the CPU."""
    device = session.device
    compiling = modes.compiler_failures(device) if setting.mode == modes.COMPILE else nullcontext()
    with compiling, device.recording_fallbacks():
        started = time.perf_counter()
        outputs = forward()
        device.synchronize()
        return outputs, 1e3 * (time.perf_counter() - started)


def error_against(outputs: Outputs, reference: Outputs, batch_size: int) -> float | None:
    """The largest relative L2 over outputs and members of the batch; None: not finite.

    An output that does not grow with the batch is compared once. Raises `RunFailed` for other outputs or shapes.
    """
    if outputs.keys() != reference.keys():
        raise RunFailed(
            Sentence(
                "the outputs are {names}, and those of the reference {expected}",
                names=few([*outputs]),
                expected=few([*reference]),
            ),
            hint="the model takes another path on the device, or keeps something from one forward to the next",
            stage="check",
            kind="other-outputs",
        )
    worst = 0.0
    for name, expected in reference.items():
        found = outputs[name].cpu()
        grown = (expected.shape[0] * batch_size, *expected.shape[1:]) if expected.dim() else ()
        if tuple(found.shape) not in (grown, tuple(expected.shape)):
            raise RunFailed(
                Sentence(
                    "{name} has shape {shape} for a batch of {batch_size}, and {shape_of_one} for a batch of 1",
                    name=name,
                    shape=tuple(found.shape),
                    batch_size=batch_size,
                    shape_of_one=tuple(expected.shape),
                ),
                hint="this task takes one input at a time; leave --batch-size out",
                stage="check",
                kind="other-outputs",
            )
        for member in torch.split(found, expected.shape[0]) if expected.dim() else (found,):
            error = compare_tensors(member, expected).relative_l2
            if error is None:
                return None
            worst = max(worst, error)
    return worst


def _with_roofline(device: Device, dtype: torch.dtype, demand: limits.Demand, row: BenchRow) -> BenchRow:
    """The row with the device's limits, and a warning where the row is beyond them."""
    assert row.latency_ms is not None
    found = limits.measure_limits(device.torch_device, dtype, device.synchronize, demand.bytes, device.event_timer())
    roofline: Roofline = limits.roofline(found, demand, row.latency_ms.median)
    warnings = row.warnings
    if roofline.achieved > ABOVE_LIMIT:
        warnings = (*warnings, Fact("above-limit", {"achieved": roofline.achieved, "bound": roofline.bound}))
    return msgspec.structs.replace(row, roofline=roofline, warnings=warnings)
