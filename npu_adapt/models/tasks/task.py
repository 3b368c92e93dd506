"""What a task is: a row that knows its inputs, its forward, and which outputs are compared."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from npu_adapt.records import InputInfo, ModelInfo, Prediction, WeightsInfo

if TYPE_CHECKING:
    from npu_adapt.models.processors import Processors

Outputs = dict[str, Tensor]


@dataclass(frozen=True)
class Sample:
    """One input of batch 1, on the CPU, floating tensors in float32, and what is recorded of it."""

    tensors: Mapping[str, Tensor]
    inputs: tuple[InputInfo, ...]
    seconds: float | None = None  # how long the sound is; None: not a sound

    def to(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """The tensors on `device`, the floating ones in `dtype`."""
        return {
            name: tensor.to(device, dtype) if tensor.is_floating_point() else tensor.to(device)
            for name, tensor in self.tensors.items()
        }


@dataclass(frozen=True)
class LoadedModel:
    """A model whose weights are proven: on the CPU, in eval mode, without gradients, in `dtype`."""

    module: torch.nn.Module
    task: Task
    info: ModelInfo
    weights: WeightsInfo  # `files` is filled by the caller, who hashes them meanwhile
    dtype: torch.dtype
    attention: str  # what is used: "eager", "sdpa"; "as built" where the model knows no choice
    processor: Processors
    path: Path
    left_out: tuple[str, ...] = ()
    load_ms: float = 0.0  # reading and proving the weights and building the model, without imports

    @property
    def config(self) -> Any:
        """The model's own configuration, a transformers object."""
        return self.module.config


Forward = Callable[[torch.nn.Module, Mapping[str, Tensor]], Outputs]
Prepare = Callable[[LoadedModel, Sequence[str], int, int], tuple[Sample, ...]]
Predict = Callable[[LoadedModel, Mapping[str, Tensor], int], tuple[Prediction, ...]]


@dataclass(frozen=True)
class Generation:
    """How a causal language model goes on after a prompt, one token at a time, with its cache of the past.

    `prefill(module, tensors)` gives the logits after the prompt [batch, vocabulary] and the cache, None where the model
    keeps none; `decode(module, tokens, cache)` takes the next tokens [batch, 1] and gives the logits after them.
    """

    prefill: Callable[[torch.nn.Module, Mapping[str, Tensor]], tuple[Tensor, Any]]
    decode: Callable[[torch.nn.Module, Tensor, Any], Tensor]


def no_predictions(loaded: LoadedModel, outputs: Mapping[str, Tensor], sample_index: int) -> tuple[Prediction, ...]:
    """For tasks whose outputs are features."""
    return ()


@dataclass(frozen=True)
class Task:
    """A row of the task table.

    `prepare(loaded, values, samples, seed)` gives one sample for each value, or `samples` default ones.
    `forward(module, tensors)` gives the named outputs that are compared, padding left out.
    `predictions(loaded, outputs, sample_index)` reads one sample's outputs.
    """

    name: str  # unique
    tag: str  # the Hub's pipeline tag; several rows may share one
    modality: str  # image | text | audio | image+text
    auto_class: str  # the transformers class that builds the model
    classes: tuple[str, ...]  # transformers' tables of the model classes that do this task
    processors: tuple[str, ...]  # keys of models.processors.LOADERS
    prepare: Prepare
    forward: Forward
    predictions: Predict = no_predictions
    class_scores: str | None = None  # the output that holds class scores, [batch, classes]; None: there is none
    model_types: tuple[str, ...] = ()  # only for these; empty: for any
    optional_parts: tuple[str, ...] = field(default=())  # parameters that the outputs do not depend on: regexes
    shared_inputs: tuple[str, ...] = ()  # inputs that hold for every member of a batch
    generation: Generation | None = None  # None: not a causal language model

    def batch(self, tensors: Mapping[str, Tensor], size: int) -> dict[str, Tensor]:
        """One sample's tensors as a batch of `size` copies of it; what all members share stays as it is."""
        return {
            name: tensor if size == 1 or name in self.shared_inputs else tensor.repeat(size, *[1] * (tensor.dim() - 1))
            for name, tensor in tensors.items()
        }


def input_info(name: str, tensor: Tensor, origin: str) -> InputInfo:
    """What the record keeps of an input; the hash is of the tensor's bytes, row by row, as both sides receive them."""
    data = tensor.contiguous().reshape(-1).view(torch.uint8) if tensor.numel() else tensor.reshape(-1)
    digest = hashlib.sha256(data.numpy().tobytes()).hexdigest()
    return InputInfo(name=name, shape=tuple(tensor.shape), sha256=digest, origin=origin)


def accepted(loaded: LoadedModel, encoded: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the model's forward takes of a processor's result: tokenizers give token types to models that have none."""
    taken = inspect.signature(loaded.module.forward).parameters
    return {name: encoded[name] for name in encoded if name in taken}


def sample_of(encoded: Mapping[str, Tensor], origin: str, seconds: float | None = None) -> Sample:
    """A sample from a processor's result, floating tensors made float32."""
    tensors = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in encoded.items()}
    return Sample(tensors, tuple(input_info(name, tensor, origin) for name, tensor in tensors.items()), seconds)


def present(result: Any, names: Sequence[str]) -> Outputs:
    """The fields of a transformers result that are there and are tensors."""
    return {name: value for name in names if isinstance(value := getattr(result, name, None), Tensor)}


def top_classes(
    scores: Tensor, sample_index: int, label: Callable[[int], str], count: int = 5
) -> tuple[Prediction, ...]:
    """The best classes of `scores` [classes] with their softmax probability, computed in float64."""
    probabilities = scores.double().softmax(-1)
    best = probabilities.topk(min(count, probabilities.numel()))
    return tuple(
        Prediction(label=label(index), index=index, score=score, sample=sample_index)
        for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    )


def class_label(loaded: LoadedModel) -> Callable[[int], str]:
    """From class number to the configuration's name for it."""
    names: Mapping[int, str] = getattr(loaded.config, "id2label", None) or {}
    return lambda index: str(names.get(index, index))


def token_label(loaded: LoadedModel) -> Callable[[int], str]:
    """From token number to its text."""
    tokenizer = loaded.processor.tokenizer
    return lambda index: str(tokenizer.decode([index]))
