"""Both sides' forwards in step, operator by operator: how errors accumulate, and where the two diverge first.

The device's forward runs in the calling thread, because a device's context belongs to one; the CPU's run in threads of
their own and wait at every operator. So one forward's activations are held a side, and nothing more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from queue import SimpleQueue

import torch
from torch import Tensor

from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.capture import Call, capturing
from npu_adapt.numerics.emulation import Emulation, emulate
from npu_adapt.numerics.error_statistics import FailedTest, Worst, exact_difference
from npu_adapt.numerics.exact import ROUNDOFF
from npu_adapt.numerics.judgement import OperatorReading, judge
from npu_adapt.numerics.operators import Kind, kind_of
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Fact, OperatorFinding
from npu_adapt.threads import Work, given_by, require_threads
from npu_adapt.workflows.compare.alone import CPU, arithmetic_of, finding, moved
from npu_adapt.workflows.compare.facts import note
from npu_adapt.workflows.run.forward import Side

FAR = 3.0  # floors of accumulated error: the end-to-end rule's own limit


@dataclass(frozen=True)
class InStep:
    """What the two forwards showed beside each other."""

    accumulated: dict[int, tuple[float, float]]  # index of a computed call -> (relative L2, its floor)
    first_divergence: OperatorFinding | None  # None: none was looked for, or none found
    note: Fact | None  # where the two sides' code takes other paths; None: it does not


def run_in_step(
    reference: Side,
    candidate: Side,
    sample: Sample,
    arithmetic: ArithmeticByClass,
    progress: Progress,
    *,
    search: bool,
) -> InStep:
    """One forward of each side on one sample, and one of an emulation of `arithmetic` beside them, for the floor.

    With `search` the first divergence is looked for: a parameter that is another on the device, else the first operator
    that is wrong for the inputs which the device itself had, else the first whose accumulated error leaves the floor.
    """
    steps = _Steps(arithmetic, search=search)
    other = replace(reference, context=lambda: emulate(Emulation(arithmetic, fused_attention=True, blocked_sums=True)))
    with ExitStack() as stack:
        lanes = [stack.enter_context(_lane(side, sample)) for side in (reference, other)]
        step = stack.enter_context(progress.task(doing("running-in-step")))

        def consume(call: Call) -> None:
            with torch._C.DisableTorchFunction():  # what is computed here is the CPU's: no emulation that is entered
                steps.take(call, *(lane() for lane in lanes))
            step.advance(1)

        tensors = candidate.tensors(sample)
        with torch.inference_mode(), candidate.context(), capturing(candidate.module, consume):
            candidate.task.forward(candidate.module, tensors)
    divergence = None
    if search:
        divergence = _differing_parameter(reference.module, candidate.module) or steps.first_wrong or steps.first_far
    return InStep(steps.accumulated, divergence, steps.note)


class _Steps:
    """What is gathered while the lanes run."""

    def __init__(self, arithmetic: ArithmeticByClass, *, search: bool) -> None:
        self.accumulated: dict[int, tuple[float, float]] = {}
        self.first_wrong: OperatorFinding | None = None
        self.first_far: OperatorFinding | None = None
        self.note: Fact | None = None
        self._arithmetic = arithmetic
        self._search = search

    def take(self, candidate: Call, reference: Call | None, floor: Call | None) -> None:
        if self.note is not None:
            return
        if self._search and self.first_wrong is None and not candidate.random:
            self.first_wrong = wrong_for_its_inputs(candidate, self._arithmetic)
        if reference is None or floor is None or reference.operator != candidate.operator:
            self.note = _another_path(candidate, reference)
            return
        if not _is_computed(reference) or candidate.outputs[0].shape != reference.outputs[0].shape:
            return
        error, worst = _distance(candidate.outputs[0], reference.outputs[0])
        own = ROUNDOFF.get(candidate.outputs[0].dtype, 0.0) / 2
        noise = max(_distance(floor.outputs[0], reference.outputs[0])[0], own)
        self.accumulated[candidate.index] = (error, noise)
        if self.first_far is None and not error <= FAR * noise:
            shape = tuple(candidate.outputs[0].shape)
            reading = OperatorReading(candidate.index, candidate.module, candidate.operator, shape, None)
            broken = FailedTest("end-to-end", error / noise, worst)
            self.first_far = finding(reading, broken, 0)


def _another_path(candidate: Call, reference: Call | None) -> Fact:
    """Where the two sides' code takes other paths: the operators that come next on each."""
    index, module, operator = candidate.index, candidate.module, candidate.operator
    if reference is None:
        return note("path-ends", index=index, module=module, operator=operator)
    return note(
        "another-path",
        index=index,
        module=module,
        operator=operator,
        reference_module=reference.module,
        reference_operator=reference.operator,
    )


def _is_computed(call: Call) -> bool:
    return call.outputs[0].is_floating_point() and kind_of(call.operator) not in (Kind.MOVE, Kind.EXACT)


def _distance(candidate: Tensor, reference: Tensor) -> tuple[float, Worst]:
    """(relative L2, worst element); infinite where a value is not finite on one side only."""
    one, other = candidate.to(CPU).double().reshape(-1), reference.to(CPU).double().reshape(-1)
    same = (one == other) | (one.isnan() & other.isnan())
    error = (one - other).where(~same, 0.0)
    if error.numel() == 0:
        return 0.0, Worst((), 0.0, 0.0)
    at = int(error.abs().nan_to_num_(math.inf).argmax())
    index = tuple(int(part) for part in torch.unravel_index(torch.tensor(at), reference.shape))
    worst = Worst(index, float(other[at]), float(one[at]))
    size = float(other.where(other.isfinite(), 0.0).norm())
    distance = float(error.norm())
    if not math.isfinite(distance):
        return math.inf, worst
    return (distance / size if size else (math.inf if distance else 0.0)), worst


def wrong_for_its_inputs(call: Call, arithmetic: ArithmeticByClass) -> OperatorFinding | None:
    """The finding of a call that is wrong for what the device itself gave it; None where it is right."""
    here = call.with_arguments(lambda leaf: moved(leaf, CPU))
    try:
        expected = here.again(lambda leaf: leaf)
    except (RuntimeError, NotImplementedError):  # an operator of the device that the CPU has not
        return None
    outputs = tuple(output.to(CPU) for output in call.outputs)
    reading = judge(replace(here, output=expected), outputs, arithmetic_of(call, arithmetic))
    return None if reading.broken is None else finding(reading, reading.broken, 0, test="end-to-end")


def _differing_parameter(reference: torch.nn.Module, candidate: torch.nn.Module) -> OperatorFinding | None:
    """The first parameter or buffer that is not the reference's, rounded to its type, on the device."""
    expected = {**dict(reference.named_parameters()), **dict(reference.named_buffers())}
    for name, tensor in (*candidate.named_parameters(), *candidate.named_buffers()):
        if name not in expected or tensor is expected[name]:
            continue
        there = tensor.detach().to(CPU)
        broken = exact_difference(
            there, expected[name].detach().to(CPU, there.dtype), ROUNDOFF.get(there.dtype, 0.0), bits=False
        )
        if broken is not None:
            reading = OperatorReading(0, name, "parameter", tuple(there.shape), broken)
            return finding(reading, broken, 0, test="end-to-end")
    return None


class _Abandoned(Exception):
    """Ends a lane's forward when nobody waits for it any more."""


@contextmanager
def _lane(side: Side, sample: Sample) -> Iterator[Callable[[], Call | None]]:
    """A forward of `side` in a thread of its own: each call of what is given lets it run on to its next operator.

    None comes after the last one. What the forward raises is raised to whoever asks for the next operator.
    """
    given: SimpleQueue[Call | BaseException | None] = SimpleQueue()
    wanted: SimpleQueue[bool] = SimpleQueue()
    threads = torch.get_num_threads()
    require_threads(threads)  # the lane, and a pool of its own

    def consume(call: Call) -> None:
        given.put(call)
        if not wanted.get():
            raise _Abandoned

    def run() -> None:
        torch.set_num_threads(threads)  # each thread has a setting of its own, and sums depend on it
        try:
            if not wanted.get():
                return
            tensors = side.tensors(sample)
            with torch.inference_mode(), side.context(), capturing(side.module, consume):
                side.task.forward(side.module, tensors)
        except _Abandoned:
            return
        except Exception as error:  # noqa: BLE001 - raised again where the lane is read
            given.put(error)
        given.put(None)

    def following() -> Call | None:
        if ended:
            return None
        wanted.put(True)
        found = given_by(given, [lane])
        if isinstance(found, BaseException):
            raise found
        if found is None:
            ended.append(True)
        return found

    ended: list[bool] = []
    lane = Work(run)
    try:
        yield following
    finally:
        wanted.put(False)
        lane.wait()
