"""What a forward does beside computing: hands its inputs back, draws random numbers, keeps a state."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from npu_adapt.devices.transfer import copy_to
from npu_adapt.numerics.bits import image, same_bits
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.records import Fact
from npu_adapt.workflows.run.facts import note

if TYPE_CHECKING:
    from npu_adapt.models.tasks import Sample
    from npu_adapt.workflows.run.forward import Side

# Two forwards of one input on one CPU differ by rounding at most; more than this, and the model itself is random.
RANDOM_SPREAD = 1e-4


def shared_with_inputs(outputs: Mapping[str, Tensor], inputs: Mapping[str, Tensor]) -> Iterator[Fact]:
    """A note for each output that lies in the memory of an input: part of it may be the input itself."""
    owners = {place: name for name, tensor in inputs.items() if (place := _place(tensor))}
    for name, tensor in outputs.items():
        if owner := owners.get(_place(tensor)):
            yield note("output-is-input", output=name, input=owner)


def _place(tensor: Tensor) -> int:
    """Where its memory begins; 0: it has none, or not of its own."""
    return tensor.untyped_storage().data_ptr() if tensor.layout == torch.strided and tensor.numel() else 0


def keeps_state(side: Side, sample: Sample) -> bool:
    """Whether a module whose forwards differ does so for its state: two copies of it then give the same."""
    copies = [copy_to(side.module, side.device.torch_device, side.dtype) for _ in range(2)]
    first, second = (dataclasses.replace(side, module=module).forward(side.tensors(sample))[0] for module in copies)
    return all(repeat_difference(second.get(name), tensor.cpu())[1] <= RANDOM_SPREAD for name, tensor in first.items())


def repeat_difference(again: torch.Tensor | None, first: torch.Tensor) -> tuple[float, float]:
    """(share of elements that differ, relative L2) between two forwards' results; (1, inf) for other shapes or none."""
    if again is None or again.shape != first.shape:
        return 1.0, math.inf
    again = again.cpu()
    if same_bits(again, first):
        return 0.0, 0.0
    share = int((image(again) != image(first)).count_nonzero()) / first.numel()
    spread = compare_tensors(again, first).relative_l2
    return share, math.inf if spread is None else spread
