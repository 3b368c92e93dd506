"""The two sides of a comparison, and their forwards of all samples."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch

from npu_adapt.devices.selection import open_device
from npu_adapt.devices.transfer import copy_to
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.arithmetic import ARITHMETICS
from npu_adapt.numerics.emulation import emulate
from npu_adapt.numerics.exact import HALF_TYPES
from npu_adapt.numerics.truth import Float32, Widened
from npu_adapt.progress import doing
from npu_adapt.records import CompareLatency, Fact, Repeats
from npu_adapt.workflows.compare.facts import reason
from npu_adapt.workflows.compare.latency import measure_latency
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.outputs import require_same_outputs
from npu_adapt.workflows.run.forward import Forwards, Side, run_again, run_forwards
from npu_adapt.workflows.run.session import Session
from npu_adapt.workflows.run.subject import with_noise

FORWARDS = 3  # of each sample on the device, which must be equal to the bit
WARM_FORWARDS = 1  # a further one of the first sample: how long it takes


def reference_side(session: Session, options: CompareOptions) -> Side:
    """The reference: the run's weights in float32; on the CPU those of a half type are widened as operators run."""
    loaded = session.loaded
    device = open_device(options.reference, allow_cpu=True).device
    on_cpu = device.torch_device.type == "cpu"
    if on_cpu and loaded.dtype in HALF_TYPES:
        wide = Float32()  # one for all forwards: it remembers which operators they had
        return Side(loaded.module, device, torch.float32, loaded.task, context=lambda: wide)
    is_there = on_cpu and loaded.dtype == torch.float32
    module = loaded.module if is_there else copy_to(loaded.module, device.torch_device, torch.float32)
    return Side(module, device, torch.float32, loaded.task)


def candidate_side(session: Session) -> Side:
    """The device's own copy; for a rehearsal the loaded module, under the arithmetic that is emulated."""
    loaded, rehearse = session.loaded, session.request.rehearse
    module = session.module_on_device() if rehearse is None else session.subject.candidate or loaded.module
    return Side(module, session.device, loaded.dtype, loaded.task, context=candidate_context(session))


def candidate_context(session: Session) -> Callable[[], AbstractContextManager[object]]:
    """What the candidate's forwards run in: an emulation, for a rehearsal."""
    rehearse = session.request.rehearse
    return nullcontext if rehearse is None else partial(emulate, ARITHMETICS[rehearse])


def reference_forwards(session: Session, options: CompareOptions, side: Side, samples: tuple[Sample, ...]) -> Forwards:
    """The reference's forwards of every sample, once each."""
    with session.stage("reference", doing("running-reference", device=side.device.name)):
        return run_forwards(side, samples, session.progress, warm=0)


def repeated_reference(session: Session, side: Side, expected: Forwards, found: Forwards) -> Forwards:
    """The reference's forwards, the first one repeated unless the device's were equal: both sides have the same code.

    They have not where the candidate is given as another module, and a reference on an accelerator has kernels of its
    own that may differ from forward to forward.
    """
    same_code = session.subject.candidate is None and side.device.torch_device.type == "cpu"
    if same_code and not found.differing and not found.divergences and not expected.draws:
        return expected
    with session.stage("reference", doing("running-reference", device=side.device.name)):
        return run_again(side, session.samples, expected, session.progress)


def forwards_with_noise(session: Session, options: CompareOptions, reference: Side) -> Forwards | None:
    """Those of a model that draws random numbers, which are now given to it. None: it still draws, as dropout does."""
    subject = with_noise(session.subject, session.request.seed)
    side = dataclasses.replace(reference, task=subject.loaded.task)
    drawn = reference_forwards(session, options, side, subject.samples)
    if drawn.draws:
        return None
    session.examine_with_noise(subject)
    return drawn


def candidate_forwards(
    session: Session, options: CompareOptions, reference: Side, candidate: Side, expected: Forwards
) -> tuple[Forwards, CompareLatency | Fact | None]:
    """The device's forwards of every sample: once with `--fast`, else repeated.

    The latency is None with `--fast` and of a rehearsal.
    """
    rehearsed = session.request.rehearse is not None
    warm = 0 if options.fast else WARM_FORWARDS
    watched = 0 if options.fast or rehearsed else FORWARDS
    session.device.reset_peak_memory()
    with session.stage("forward", doing("running-model", device=session.device.name)):
        found = run_forwards(candidate, session.samples, session.progress, warm=warm, watched=watched)
    with session.stage("compare", doing("comparing")):
        require_same_outputs(expected.outputs, found.outputs)
    if not warm or rehearsed:
        return found, None
    if isinstance(reference.context(), Widened):  # widening takes time that a float32 model does not
        return found, reason("reference-widened")
    round_ms = expected.first_ms + min(found.warm_ms)
    with session.stage("latency", doing("timing"), fallbacks=False):
        return found, measure_latency(reference, candidate, session.samples[0], round_ms)


def repeats_of(expected: Forwards, found: Forwards) -> Repeats | None:
    """None: one forward only."""
    if not found.warm_ms:
        return None
    return Repeats(
        forwards=found.repeated,
        reference_spread=min(expected.spread, sys.float_info.max) if expected.warm_ms else None,  # JSON has no infinity
        reference_differing=expected.differing if expected.warm_ms else None,
        candidate_differing=found.differing,
        stateful=expected.stateful,
    )
