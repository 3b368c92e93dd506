"""From a module or function of the user's, and its inputs, to a subject that the workflows examine."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from npu_adapt.devices.transfer import copy_to
from npu_adapt.errors import Sentence, UsageError, first_line
from npu_adapt.models.processors import Processors
from npu_adapt.models.tasks import LoadedModel, Outputs, Sample, Task
from npu_adapt.models.tasks.results import named_tensors
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.records import InputInfo, ModelInfo
from npu_adapt.workflows.run.subject import Subject

Inputs: TypeAlias = Mapping[str, Any] | Sequence[Any] | Tensor
Code: TypeAlias = torch.nn.Module | Callable[..., Any]

CPU = torch.device("cpu")
TYPES = (torch.float32, torch.float16, torch.bfloat16)
SOURCE = "python"


class Function(torch.nn.Module):
    """A function as a module, so that both are examined alike."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


@dataclass(frozen=True)
class Layout:
    """How a call takes its tensors: what is no tensor stands in it as it was given."""

    names: tuple[str, ...]  # of the tensors, in order
    leaves: tuple[Any, ...]  # of the call; a tensor's place holds its name's number as a `_Place`
    spec: pytree.TreeSpec

    def call(self, module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Any:
        """What the module returns for these tensors."""
        leaves = [tensors[self.names[leaf.number]] if isinstance(leaf, _Place) else leaf for leaf in self.leaves]
        args, kwargs = pytree.tree_unflatten(leaves, self.spec)
        return module(*args, **kwargs)


@dataclass(frozen=True)
class _Place:
    number: int


def subject_given(code: Code, inputs: Inputs, *, reference: Code | None = None, dtype: str = "auto") -> Subject:
    """The subject of `code`: examined in eval mode, as a copy. With `reference`, that is what `code` is compared with.

    `dtype` "auto" is the type of its floating parameters, else of its floating inputs, else float32. Raises
    `UsageError` for inputs without a tensor, a type that no device is examined in, and a module that cannot be copied.
    """
    module, other = _module(code), None if reference is None else _module(reference)
    layout, tensors = _layout(code, inputs)
    chosen = _dtype([*module.parameters(), *module.buffers(), *tensors.values()], dtype)
    row = Task(
        name="module",
        tag="module",
        modality="tensors",
        auto_class="",
        classes=(),
        processors=(),
        prepare=lambda loaded, values, samples, seed: (),
        forward=partial(_forward, layout),
    )
    loaded = LoadedModel(
        module=_copied(module if other is None else other, chosen),
        task=row,
        info=_info(code, module),
        weights=None,
        dtype=chosen,
        attention="as built",
        processor=Processors(),
        path=Path(),
    )
    sample = Sample(
        {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()},
        tuple(_input_info(name, tensor) for name, tensor in tensors.items()),
    )
    return Subject(loaded, (sample,), candidate=None if other is None else _copied(module, chosen))


def name_of(code: Code) -> str:
    """What a module or function is called: its class, or its own name."""
    if isinstance(code, torch.nn.Module):
        return type(code).__name__
    return str(getattr(code, "__name__", type(code).__name__))


def _forward(layout: Layout, module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    return named_tensors(layout.call(module, tensors))


def _module(code: Code) -> torch.nn.Module:
    if isinstance(code, torch.nn.Module):
        return code
    if not callable(code):
        raise UsageError(
            Sentence("{type} is no module and no function", type=type(code).__name__),
            hint="give a torch.nn.Module or a function",
        )
    return Function(code)


def _layout(code: Code, inputs: Inputs) -> tuple[Layout, dict[str, Tensor]]:
    """The layout of the call, and its tensors by name, on the CPU."""
    args, kwargs = _arguments(inputs)
    named, spec = pytree.tree_flatten((args, kwargs))
    paths = [path for path, _ in pytree.tree_flatten_with_path((args, kwargs))[0]]
    parameters = _parameter_names(code)
    tensors: dict[str, Tensor] = {}
    leaves: list[Any] = []
    for path, leaf in zip(paths, named, strict=True):
        if isinstance(leaf, Tensor):
            leaves.append(_Place(len(tensors)))
            tensors[_name(path, parameters)] = leaf.detach().to(CPU)
        else:
            leaves.append(leaf)
    if not tensors:
        raise UsageError(
            "the inputs hold no tensor", hint="give a tensor, a tuple of arguments, or a dict of named arguments"
        )
    return Layout(tuple(tensors), tuple(leaves), spec), tensors


def _arguments(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, Tensor):
        return (inputs,), {}
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str):
        return tuple(inputs), {}
    raise UsageError(
        Sentence("inputs are {type}", type=type(inputs).__name__),
        hint="give a tensor, a tuple of arguments, or a dict of named arguments",
    )


def _parameter_names(code: Code) -> list[str]:
    """Names of the positional parameters, as far as the signature tells."""
    try:
        function = code.forward if isinstance(code, torch.nn.Module) else code
        return [
            each.name
            for each in inspect.signature(function).parameters.values()
            if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):  # built in: torch's own operators tell none
        return []


def _name(path: Sequence[Any], parameters: Sequence[str]) -> str:
    """What the tensor at `path` of (args, kwargs) is called: "x", "mask.0", "input.1"."""
    side, first, *rest = (getattr(key, "idx", getattr(key, "key", getattr(key, "name", key))) for key in path)
    if side == 0:
        first = parameters[first] if first < len(parameters) else f"input.{first}"
    return ".".join(map(str, (first, *rest)))


def _dtype(tensors: Sequence[Tensor], asked: str) -> torch.dtype:
    if asked != "auto":
        return cast("torch.dtype", getattr(torch, asked))
    floating = [tensor.dtype for tensor in tensors if tensor.is_floating_point()]
    found = floating[0] if floating else torch.float32
    if found not in TYPES:
        raise UsageError(
            Sentence("the module is in {dtype}, which no accelerator is examined in", dtype=dtype_name(found)),
            hint="give dtype= float32, float16 or bfloat16",
        )
    return found


def _copied(module: torch.nn.Module, dtype: torch.dtype) -> torch.nn.Module:
    try:
        return copy_to(module, CPU, dtype).eval().requires_grad_(False)
    except Exception as error:  # the module's own code, whatever it raises
        raise UsageError(
            Sentence("{type} cannot be copied: {said}", type=type(module).__name__, said=first_line(error)),
            hint="copy.deepcopy(module) must work: it is examined as a copy on each device",
        ) from error


def _info(code: Code, module: torch.nn.Module) -> ModelInfo:
    name = name_of(code)
    return ModelInfo(
        id=f"{SOURCE}:{name}",
        organization=None,
        task="module",
        architecture=name,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        source=SOURCE,
        revision=None,
        url=None,
    )


def _input_info(name: str, tensor: Tensor) -> InputInfo:
    plain = tensor.contiguous().reshape(-1)
    data = plain.view(torch.uint8) if plain.numel() else plain
    return InputInfo(
        name=name, shape=tuple(tensor.shape), sha256=hashlib.sha256(data.numpy().tobytes()).hexdigest(), origin=SOURCE
    )
