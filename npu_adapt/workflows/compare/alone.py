"""Each operator of a model alone: captured on the CPU, replayed on the device with the CPU's inputs, judged at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from npu_adapt.devices.device import Device
from npu_adapt.models.tasks import Sample, Task
from npu_adapt.numerics.arithmetic import DIRECT, Arithmetic, ArithmeticByClass, is_coarser
from npu_adapt.numerics.capture import Call, capturing, tensors_of
from npu_adapt.numerics.convolution import shape_of
from npu_adapt.numerics.error_statistics import FailedTest
from npu_adapt.numerics.judgement import OperatorReading, differing, judge, left_over
from npu_adapt.numerics.operators import COMPOSITES, Kind, kind_of, operator_class
from npu_adapt.numerics.screening import Sampling
from npu_adapt.numerics.whole_number_calls import WholeNumberCalls
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Compare, Depth, Fact, OperatorFinding
from npu_adapt.workflows.compare.facts import note

CPU = torch.device("cpu")
SPARSEST_LAYOUT = 4  # a view that spans more than this many times its elements is moved without its gaps

Context = Callable[[], AbstractContextManager[object]]
Replay = Callable[[Call], tuple[Tensor, ...]]


@dataclass(frozen=True)
class Operators:
    """What the operators of one model showed on a device."""

    findings: tuple[OperatorFinding, ...] = ()  # those that failed, samples one after the other, in order of execution
    judged: int = 0  # calls, over all samples
    sampled: int = 0  # of those, calls so close to the CPU's result that a part of it was held to the truth
    notes: tuple[Fact, ...] = ()  # what limits the judgement: no float64 kernel, random numbers, NaN in the reference
    random: tuple[str, ...] = ()  # operators of the reference that draw random numbers, "encoder.layer.0 (dropout)"
    depth: Depth | None = None  # of the first sample; None: nothing floating was judged

    @property
    def first_suspect(self) -> OperatorFinding | None:
        """The first operator that failed; None: none did."""
        return self.findings[0] if self.findings else None

    @classmethod
    def of(cls, compare: Compare) -> Operators:
        """What a record holds of them."""
        judged, sampled = compare.operators_judged, compare.operators_sampled
        return cls(compare.operators, judged, sampled, compare.operator_notes, depth=compare.depth)


def judge_operators(
    reference_module: torch.nn.Module,
    candidate_device: Device,
    samples: Sequence[Sample],
    task: Task,
    *,
    dtype: torch.dtype,
    arithmetic: ArithmeticByClass,
    progress: Progress,
    candidate_context: Context = nullcontext,
) -> Operators:
    """One forward of `reference_module` (on the CPU, in `dtype`) for each sample, every operator judged on the device.

    `arithmetic` is what the device's matrix products are held to. `candidate_context` surrounds each replay: an
    emulation, for a device that is none. Nothing is kept of an operator but its figures. Errors of the device's backend
    pass through.
    """
    replay = replay_on(candidate_device.torch_device, candidate_context)
    judged: list[tuple[int, OperatorReading]] = []
    watch = _Watch()
    exactly = WholeNumberCalls(sum(parameter.numel() for parameter in reference_module.parameters()))
    sampling = Sampling()
    with progress.task(doing("judging-operators", device=candidate_device.name), total=None) as step:
        for number, sample in enumerate(samples):

            def consume(call: Call, number: int = number) -> None:
                watch.see(call)
                if not call.random:
                    judged.append((number, judge_replayed(call, replay, arithmetic, exactly, sampling)))
                step.advance(1)

            tensors = sample.to(CPU, dtype)  # before: moving the input is no call of the model
            with torch.inference_mode(), capturing(reference_module, consume):
                task.forward(reference_module, tensors)
    return Operators(
        findings=findings_of(judged),
        judged=len(judged),
        sampled=sum(reading.sampled for _, reading in judged),
        notes=watch.notes([reading for _, reading in judged], exactly),
        random=tuple(watch.random),
        depth=depth_of([reading for number, reading in judged if number == 0], sample=0),
    )


def judge_replayed(
    call: Call,
    replay: Replay,
    arithmetic: ArithmeticByClass,
    exactly: WholeNumberCalls,
    sampling: Sampling | None = None,
) -> OperatorReading:
    """The reading of one call: replayed twice, which must give the same bits, and judged.

    What multiplies is replayed once more, with whole numbers, whose result needs no margin; not a convolution that
    transforms its operands, which makes them fractions. A result with the CPU's own bits was computed twice already,
    and is right in every element: of those, the first call of each kernel alone is replayed with whole numbers.
    """
    first = replay(call)
    held_to = arithmetic_of(call, arithmetic)
    reading = judge(call, first, held_to, sampling=sampling)
    repeated = None if reading.is_the_cpus else _repeated(first, replay(call))
    if repeated is not None:
        return _with(reading, repeated)
    if reading.broken is not None or held_to.algorithm != DIRECT:
        return reading
    whole = exactly.first_of(call) if reading.is_the_cpus else exactly.of(call)
    broken = None if whole is None else whole.broken(replay(whole.call))
    return reading if broken is None else _with(reading, broken)


def replay_on(device: torch.device, context: Context = nullcontext) -> Replay:
    """What runs a call on `device`, its arguments moved there, and gives its results back on the CPU."""

    def replay(call: Call) -> tuple[Tensor, ...]:
        with context():
            results = tensors_of(call.again(lambda leaf: moved(leaf, device)))
        return tuple(result.to(CPU) for result in results)

    return replay


def moved(leaf: Any, device: torch.device) -> Any:
    """An argument on `device`: tensors with their layout, and the names of devices, which mean where it ran before."""
    if isinstance(leaf, torch.device):
        return device
    if isinstance(leaf, str) and leaf == CPU.type:
        return str(device)
    if not isinstance(leaf, Tensor) or leaf.device == device:
        return leaf
    span = 1 + sum((size - 1) * stride for size, stride in zip(leaf.shape, leaf.stride(), strict=True))
    if leaf.numel() == 0 or leaf.is_contiguous() or span > SPARSEST_LAYOUT * leaf.numel():
        return leaf.to(device)
    flat = torch.as_strided(leaf, (span,), (1,), leaf.storage_offset())
    return torch.as_strided(flat.to(device), leaf.shape, leaf.stride())


def arithmetic_of(call: Call, arithmetic: ArithmeticByClass) -> Arithmetic:
    """The arithmetic that a call is held to: that of its class, the coarser of two for one that may use both."""
    if kind_of(call.operator) is Kind.ATTENTION:
        return arithmetic.attention
    if call.operator in COMPOSITES and is_coarser(arithmetic.attention, arithmetic.matmul):
        return arithmetic.attention
    if operator_class(call.operator) == "conv":
        return arithmetic.of_convolution(shape_of(call.operator, call.args, call.kwargs))
    return arithmetic.matmul


def findings_of(readings: Sequence[tuple[int, OperatorReading]]) -> tuple[OperatorFinding, ...]:
    """A record for every (sample, reading) that failed, residuals of predictions included, in order."""
    left = left_over([reading for _, reading in readings])
    found = []
    for at, (sample, reading) in enumerate(readings):
        broken = reading.broken or left.get(at)
        if broken is not None:
            found.append(finding(reading, broken, sample))
    return tuple(found)


def finding(reading: OperatorReading, broken: FailedTest, sample: int, *, test: str | None = None) -> OperatorFinding:
    """The record of a failed test; `test` renames it."""
    return OperatorFinding(
        module=reading.module,
        operator=reading.operator,
        index=reading.index,
        output_shape=reading.output_shape,
        test=test or broken.test,
        error_over_floor=_finite(broken.over_floor),
        worst_index=broken.worst.index,
        reference=_finite(broken.worst.reference),
        candidate=_finite(broken.worst.candidate),
        sample=sample,
    )


def depth_of(readings: Sequence[OperatorReading], *, sample: int) -> Depth | None:
    """The errors of one sample over depth; None where nothing floating was computed."""
    computed = [reading for reading in readings if _is_drawn(reading)]
    if not computed:
        return None
    return Depth(
        sample=sample,
        index=tuple(reading.index for reading in computed),
        module=tuple(reading.module for reading in computed),
        operator=tuple(reading.operator for reading in computed),
        isolated=tuple(_shown(reading.relative_l2) for reading in computed),
        isolated_floor=tuple(_shown(reading.relative_floor) for reading in computed),
    )


def with_accumulated(depth: Depth, accumulated: Mapping[int, tuple[float, float]]) -> Depth:
    """The depth with its other series, for the calls that both have; as it is where they share none.

    `accumulated`: index of a call -> its accumulated error and that error's floor, as `in_step` measures them.
    """
    kept = [at for at, index in enumerate(depth.index) if index in accumulated and _is_finite(accumulated[index])]
    if not kept:
        return depth
    return Depth(
        sample=depth.sample,
        index=tuple(depth.index[at] for at in kept),
        module=tuple(depth.module[at] for at in kept),
        operator=tuple(depth.operator[at] for at in kept),
        isolated=tuple(depth.isolated[at] for at in kept),
        isolated_floor=tuple(depth.isolated_floor[at] for at in kept),
        accumulated=tuple(_shown(accumulated[depth.index[at]][0]) for at in kept),
        accumulated_floor=tuple(_shown(accumulated[depth.index[at]][1]) for at in kept),
    )


def _is_finite(pair: tuple[float, float]) -> bool:
    return all(map(math.isfinite, pair))


def _is_drawn(reading: OperatorReading) -> bool:
    return reading.relative_l2 is not None and math.isfinite(reading.relative_l2)


def _shown(value: float | None) -> float:
    """Four digits are more than a picture shows, and keep the record small."""
    return float(f"{value or 0.0:.4g}")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _repeated(first: Sequence[Tensor], second: Sequence[Tensor]) -> FailedTest | None:
    """What differs between two replays; None where they are of other shapes, which the judgement says."""
    alike = [(each.shape, each.dtype) for each in first] == [(each.shape, each.dtype) for each in second]
    return differing(first, second) if alike else None


def _with(reading: OperatorReading, broken: FailedTest) -> OperatorReading:
    return OperatorReading(**{**vars(reading), "broken": broken})


class _Watch:
    """What the reference itself shows that limits a judgement."""

    def __init__(self) -> None:
        self.random: dict[str, None] = {}  # an ordered set
        self._first_nan: tuple[str, str] | None = None  # module, operator

    def see(self, call: Call) -> None:
        if call.random:
            self.random[f"{call.module} ({call.operator})"] = None
        if self._first_nan is None and _has_nan(call):
            self._first_nan = call.module, call.operator

    def notes(self, judged: Sequence[OperatorReading], exactly: WholeNumberCalls) -> tuple[Fact, ...]:
        found = []
        if self.random:
            found.append(note("random-numbers", operators=tuple(self.random)))
        if self._first_nan is not None:
            module, operator = self._first_nan
            found.append(note("reference-nan", module=module, operator=operator))
        float32 = dict.fromkeys(each.operator for each in judged if each.precision == "float32")
        own = dict.fromkeys(each.operator for each in judged if each.precision not in ("float32", "float64"))
        if float32:
            found.append(note("judged-by-float32", operators=tuple(float32)))
        if own:
            found.append(note("judged-by-own-result", operators=tuple(own)))
        if exactly.too_large:
            found.append(note("too-large-for-whole-numbers", operators=tuple(exactly.too_large)))
        return tuple(found)


def _has_nan(call: Call) -> bool:
    return any(output.is_floating_point() and _holds_nan(output) for output in call.outputs)


def _holds_nan(tensor: Tensor) -> bool:
    """A sum takes one pass, where looking at each takes two; infinities of both signs make a NaN of it too."""
    if tensor.dtype.itemsize == 1:  # 8 bits have no sums
        return bool(tensor.isnan().any())
    return bool(tensor.sum().isnan()) and bool(tensor.isnan().any())
