"""What the forwards in a mode are given, and what they are held to: other values, the first again, another shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from npu_adapt.models.tasks import LoadedModel, Sample
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.numerics.rules import noise_floor_rule
from npu_adapt.progress import Progress
from npu_adapt.records import ModeCheck
from npu_adapt.workflows.compare.floor import Measured, NoiseFloor, measure_floor, with_floor
from npu_adapt.workflows.compare.outputs import compare_outputs
from npu_adapt.workflows.run.forward import Outputs, Side

# In the order in which they run in one compiled or captured forward. "first-kept" is the first result again, read
# after the others ran: a buffer that a later call overwrites shows there. "unwatched" is by a
# captured graph without hashes of its operators' bits.
CheckId = Literal["first", "other-values", "first-again", "first-kept", "other-shape", "unwatched"]
MASK = "attention_mask"
OTHER_BATCH = 2
MASKED = 4  # one in so many tokens is masked among the other values
SMALLER = 0.75  # what floating values are multiplied by where their order says nothing


@dataclass(frozen=True)
class Expected:
    """One input with its result in eager mode on the device, in float64, and the noise floors."""

    sample: Sample
    eager: Outputs
    truth: Outputs
    floors: Mapping[str, Measured]  # by floating output: the error in eager mode beside its floor

    @property
    def is_finite(self) -> bool:
        return all(each.floor is not None for each in self.floors.values())


def expected_of(
    loaded: LoadedModel, side: Side, sample: Sample, arithmetic: ArithmeticByClass, progress: Progress
) -> Expected:
    """`side` in eager mode on a sample, and the truth and the floors of it."""
    eager = on_cpu(side.forward(side.tensors(sample))[0])
    floor = measure_floor(loaded, (sample,), (eager,), arithmetic, progress, explain=False, keep_truth=True)
    return from_floor(sample, eager, floor, 0)


def from_floor(sample: Sample, eager: Outputs, floor: NoiseFloor, number: int) -> Expected:
    """The same from a floor that was measured already."""
    return Expected(sample, eager, floor.truth[number], floor.samples[number])


def on_cpu(outputs: Outputs) -> Outputs:
    """Copies on the CPU: what a graph is replayed into changes with the next replay."""
    return {name: tensor.to("cpu", copy=True) for name, tensor in outputs.items()}


def judged(check: CheckId, expected: Expected, found: Outputs, dtype: torch.dtype) -> ModeCheck:
    """The record of one forward in a mode: its outputs beside those of eager mode, under the same floors.

    Raises `RunFailed` for outputs of another name or shape.
    """
    compared, _ = compare_outputs((expected.eager,), (found,), dtype=dtype)
    measured = {
        name: Measured(compare_tensors(found[name], expected.truth[name]).relative_l2, each.floor)
        for name, each in expected.floors.items()
    }
    outputs = tuple(with_floor(output, (measured,)) for output in compared)
    return ModeCheck(check=check, passed=noise_floor_rule(outputs).passed, outputs=outputs)


def with_other_values(sample: Sample) -> Sample | None:
    """The sample with its values in the reverse order, of the same shapes and types; None: it would be the same.

    All tensors are reversed alike, so that masks and positions still belong to their tokens. Where nothing is masked,
    the last tokens then are: a mask that is ignored shows only where one is at work.
    """
    changed = {name: _reversed(tensor) for name, tensor in sample.tensors.items()}
    mask = changed.get(MASK)
    if mask is not None and mask.dim() == 2 and mask.shape[1] >= MASKED and bool((mask == 1).all()):
        mask[:, -(mask.shape[1] // MASKED) :] = 0
    if all(torch.equal(tensor, sample.tensors[name]) for name, tensor in changed.items()):
        return None
    return dataclasses.replace(sample, tensors=changed)


def _reversed(tensor: Tensor) -> Tensor:
    turned = tensor.flip(-1) if tensor.dim() else tensor.clone()
    return turned * SMALLER if tensor.is_floating_point() and torch.equal(turned, tensor) else turned


def with_other_shape(sample: Sample, side: Side) -> Sample:
    """Two copies of the sample, the values of the second in the reverse order."""
    tensors = side.task.batch(sample.tensors, OTHER_BATCH)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.shape[0] == OTHER_BATCH and tensor.shape != sample.tensors[name].shape:
            tensor[1:] = tensor[1:].flip(-1)
    return dataclasses.replace(sample, tensors=tensors)
