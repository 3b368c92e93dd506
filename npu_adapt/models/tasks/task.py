"""What a task is: a row that knows its inputs, its forward, and which outputs are compared."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from npu_adapt.errors import ModelError, Sentence
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks.results import Outputs
from npu_adapt.numerics.overlap import Objects
from npu_adapt.records import InputInfo, ModelInfo, Prediction, WeightsInfo, said_of

if TYPE_CHECKING:
    from npu_adapt.models.processors import Processors
    from npu_adapt.models.quantised.compressed import QuantisedModule


@dataclass(frozen=True)
class Sample:
    """One input of batch 1, on the CPU, floating tensors in float32, and what is recorded of it."""

    tensors: Mapping[str, Tensor]
    inputs: tuple[InputInfo, ...]
    seconds: float | None = None  # how long the sound is; None: not a sound
    labels: tuple[str, ...] = ()  # what its classes are called, where the input itself names them
    size: tuple[int, int] | None = None  # height and width of the picture before processing; None: not a picture

    def to(self, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """Copies of the tensors on `device`, the floating ones in `dtype`: a forward may write into its inputs."""
        return {
            name: tensor.to(device, dtype if tensor.is_floating_point() else tensor.dtype, copy=True)
            for name, tensor in self.tensors.items()
        }


@dataclass(frozen=True)
class LoadedModel:
    """A model whose weights are proven: on the CPU, in eval mode, without gradients, in `dtype`."""

    module: torch.nn.Module
    task: Task
    info: ModelInfo
    weights: WeightsInfo | None  # `files` is filled by the caller, who hashes them meanwhile; None: made in Python
    dtype: torch.dtype
    attention: str  # what is used: "eager", "sdpa"; "as built" where the model knows no choice
    processor: Processors
    path: Path
    left_out: tuple[str, ...] = ()
    quantised: QuantisedModule | None = None  # the same as the file holds it, `module` dequantised; None: it is plain
    load_ms: float = 0.0  # reading and proving the weights and building the model, without imports

    @property
    def config(self) -> Any:
        """The model's own configuration, a transformers object."""
        return self.module.config


Forward = Callable[[torch.nn.Module, Mapping[str, Tensor]], Outputs]
Prepare = Callable[[LoadedModel, Sequence[str], int, int], tuple[Sample, ...]]
See = Callable[[LoadedModel, Sample, Mapping[str, Tensor]], Objects | None]
Predict = Callable[[LoadedModel, Sample, Mapping[str, Tensor], int], tuple[Prediction, ...]]


@dataclass(frozen=True)
class Generation:
    """How a causal language model goes on after a prompt, one token at a time, with its cache of the past.

    `prefill(module, tensors)` gives the logits after the prompt [batch, vocabulary] and the cache, None where the model
    keeps none; `decode(module, tokens, cache)` takes the next tokens [batch, 1] and gives the logits after them.
    """

    prefill: Callable[[torch.nn.Module, Mapping[str, Tensor]], tuple[Tensor, Any]]
    decode: Callable[[torch.nn.Module, Tensor, Any], Tensor]


@dataclass(frozen=True)
class Task:
    """A row of the task table.

    `prepare(loaded, values, samples, seed)` gives one sample for each value, or `samples` default ones.
    `forward(module, tensors)` gives the named outputs that are compared, padding left out.
    `read(loaded, sample, outputs, sample_index)` reads one sample's outputs as predictions.
    """

    name: str  # unique
    tag: str  # the Hub's pipeline tag; several rows may share one
    modality: str  # image | text | audio | image+text
    auto_class: str  # the transformers class that builds the model
    classes: tuple[str, ...]  # transformers' tables of the model classes that do this task
    processors: tuple[str, ...]  # keys of models.processors.LOADERS
    prepare: Prepare
    forward: Forward
    read: Predict | None = None  # None: the outputs are features
    needs: tuple[str, ...] = ()  # the outputs that `read` reads
    class_scores: str | None = None  # the output that holds class scores, [batch, classes]; None: there is none
    model_types: tuple[str, ...] = ()  # only for these; empty: for any
    optional_parts: tuple[str, ...] = field(default=())  # parameters that the outputs do not depend on: regexes
    shared_inputs: tuple[str, ...] = ()  # inputs that hold for every member of a batch
    generation: Generation | None = None  # None: not a causal language model
    further_tags: tuple[str, ...] = ()  # other pipeline tags of the same forward: a translation is a text from a text
    see: See | None = None  # the boxes or masks in one sample's outputs; None: there are none
    suits: Callable[[Any], bool] | None = None  # of two rows for the same classes, by the configuration; None: any

    def has_tag(self, name: str) -> bool:
        """Whether the user may ask for the row by that name."""
        return name in (self.name, self.tag, *self.further_tags)

    def predictions(
        self, loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
    ) -> tuple[Prediction, ...]:
        """What one sample's outputs mean; empty where the task predicts nothing or the model gave other outputs.

        Raises `RunFailed` where transformers cannot read them: a token that the tokenizer does not have.
        """
        if self.read is None or not all(name in outputs and outputs[name].numel() for name in self.needs):
            return ()
        return self.read(loaded, sample, outputs, sample_index)

    def scores_in(self, outputs: Sequence[Mapping[str, Tensor]]) -> str | None:
        """The output that holds class scores in all of `outputs`. None: a model of its own code gave none."""
        name = self.class_scores
        return name if name is not None and all(_holds_scores(each.get(name)) for each in outputs) else None

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
    return InputInfo(name=name, shape=tuple(tensor.shape), sha256=digest, origin=str(origin), said=said_of(origin))


def accepted(loaded: LoadedModel, encoded: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the model's forward takes of a processor's result, by the names of its arguments.

    Tokenizers give token types to models that have none, and image processors lists of sizes that no forward takes.
    """
    return named_for(inspect.signature(loaded.module.forward).parameters, encoded)


def named_for(taken: Collection[str], encoded: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What of a processor's result a method with these arguments takes, by its own names for it."""
    other = {name: encoded[given] for name, given in _OTHER_NAMES if given in encoded and name not in encoded}
    encoded = {**other, **encoded}
    return {name: value for name, value in encoded.items() if name in taken and isinstance(value, Tensor)}


# What some towers' forwards call what their processor gives by another name.
_OTHER_NAMES = (
    ("grid_thw", "image_grid_thw"), ("grid_thw", "image_grid_thws"), ("grid_thw", "grid_thws"),
    ("image_grid_thw", "grid_thw"), ("merge_sizes", "image_merge_sizes"), ("hidden_states", "pixel_values"),
    ("pixel_values", "image_patches"), ("audio_mel", "input_features"), ("audio_mel_mask", "input_features_mask"),
)  # fmt: skip


def takes(loaded: LoadedModel, name: str) -> bool:
    """Whether the model's forward takes an input of that name."""
    return name in inspect.signature(loaded.module.forward).parameters


def required(method: Callable[..., Any]) -> tuple[str, ...]:
    """The arguments that a method cannot do without."""
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    given = inspect.signature(method).parameters.values()
    return tuple(each.name for each in given if each.default is each.empty and each.kind not in variable)


def require_all_inputs(loaded: LoadedModel, sample: Sample) -> None:
    """Raises `ModelError` where the forward cannot run without an input that the task does not prepare."""
    if missing := [name for name in required(loaded.module.forward) if name not in sample.tensors]:
        raise ModelError(
            Sentence(
                "the forward of {name} needs {missing}, which the task {task} does not prepare",
                name=loaded.info.architecture, missing=", ".join(missing), task=loaded.task.name,
            ),
            hint="write an adapter that prepares its inputs: npu-adapt compare FILE.py --weights DIR",
        )  # fmt: skip


def sample_of(encoded: Mapping[str, Tensor], origin: str, **known: Any) -> Sample:
    """A sample from a processor's result, floating tensors made float32; `known` are further fields of it."""
    tensors = {
        name: (tensor.float() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in encoded.items()
    }  # a picture whose channels lie last in memory is refused by torch_npu
    return Sample(tensors, tuple(input_info(name, tensor, origin) for name, tensor in tensors.items()), **known)


@contextmanager
def preparing(loaded: LoadedModel, origin: str, *, given: bool) -> Iterator[None]:
    """Around a processor's work on an input: what fails is the input's fault where the user gave it, else the model's.

    Raises `UsageError` or `ModelError`.
    """
    with foreign_code(*(("input", origin) if given else ("default input", str(loaded.path)))):
        yield


_TOKEN_TABLES = re.compile(r"(^|\.)(embed_tokens|word_embeddings|token_embedding|tok_embeddings|wte|shared)$")


def require_known_tokens(loaded: LoadedModel, tokens: Tensor) -> None:
    """Raises `ModelError` for a token that the model has no embedding for: it would read past its table."""
    tables = [
        module.num_embeddings
        for name, module in loaded.module.named_modules()
        if isinstance(module, torch.nn.Embedding) and _TOKEN_TABLES.search(name)
    ]
    if tables and int(tokens.max()) >= max(tables):
        raise ModelError(
            Sentence(
                "the tokenizer gives the token {token}, and the model has embeddings for {embeddings}",
                token=int(tokens.max()),
                embeddings=max(tables),
            ),
            hint="tokenizer and weights do not belong together; fetch the model again",
        )


def top_classes(
    probabilities: Tensor, sample_index: int, label: Callable[[int], str], count: int = 5
) -> tuple[Prediction, ...]:
    """The best classes of `probabilities` [classes]."""
    best = probabilities.topk(min(count, probabilities.numel()))
    return tuple(
        Prediction(label=label(index), index=index, score=score, sample=sample_index)
        for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    )


def class_probabilities(loaded: LoadedModel, logits: Tensor, *, one_is_sigmoid: bool = True) -> Tensor:
    """What the logits mean, by the rule of transformers' pipelines: classes that exclude each other or not, or numbers.

    In float64. The pipeline for sounds takes the softmax of a single class, those for texts and pictures its sigmoid.
    """
    kind, exact = getattr(loaded.config, "problem_type", None), logits.double()
    if kind == "regression":
        return exact
    if kind == "multi_label_classification" or (one_is_sigmoid and logits.shape[-1] == 1):
        return exact.sigmoid()
    return exact.softmax(-1)


def class_label(loaded: LoadedModel) -> Callable[[int], str]:
    """From class number to the configuration's name for it."""
    names: Mapping[int, str] = getattr(loaded.config, "id2label", None) or {}
    return lambda index: str(names.get(index, index))


def token_label(loaded: LoadedModel) -> Callable[[int], str]:
    """From token number to its text."""

    def label(index: int) -> str:
        with foreign_code("predictions", loaded.info.architecture):
            return str(loaded.processor.tokenizer.decode([index]))

    return label


def _holds_scores(output: Tensor | None) -> bool:
    return output is not None and output.is_floating_point() and output.dim() > 0 and output.numel() > 0
