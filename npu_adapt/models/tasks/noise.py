"""Noise as an input: what a forward draws comes from a seed that is part of the sample, the same on both sides."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from npu_adapt.errors import Sentence
from npu_adapt.models.tasks.results import Outputs
from npu_adapt.models.tasks.task import Forward, Sample, Task, input_info
from npu_adapt.numerics.draws import Draws
from npu_adapt.records.run import NOISE_ORIGIN

NOISE_SEED = "noise_seed"  # an input of ours, not of the model: the seed of all that the forward draws, [1]


def noise_seed(seed: int) -> Tensor:
    return torch.tensor([seed])


def with_noise(forward: Forward) -> Forward:
    """The forward with the seed of its noise among its inputs."""
    return partial(_forward, forward)


def _forward(forward: Forward, module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    own = {name: tensor for name, tensor in tensors.items() if name != NOISE_SEED}
    with Draws(int(tensors[NOISE_SEED])):
        return forward(module, own)


def given_noise(row: Task, samples: tuple[Sample, ...], seed: int) -> tuple[Task, tuple[Sample, ...]]:
    """A row whose forward was found to draw, and its samples, each with a seed of its own."""
    row = dataclasses.replace(row, forward=with_noise(row.forward), shared_inputs=(*row.shared_inputs, NOISE_SEED))
    return row, tuple(_seeded(sample, seed + number) for number, sample in enumerate(samples))


def _seeded(sample: Sample, seed: int) -> Sample:
    drawn = noise_seed(seed)
    inputs = (*sample.inputs, input_info(NOISE_SEED, drawn, Sentence(NOISE_ORIGIN)))
    return dataclasses.replace(sample, tensors={**sample.tensors, NOISE_SEED: drawn}, inputs=inputs)
