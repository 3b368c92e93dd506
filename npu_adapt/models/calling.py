"""How a module is called with its sample inputs, positional and named, nested as they may be."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from npu_adapt.errors import Sentence, UsageError

Inputs: TypeAlias = Mapping[str, Any] | Sequence[Any] | Tensor
Code: TypeAlias = torch.nn.Module | Callable[..., Any]

CPU = torch.device("cpu")
TAKES = "give a tensor, a tuple of arguments, or a dict of named arguments"


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

    def is_that_of(self, other: Layout) -> bool:
        """Whether the two calls differ in nothing but their tensors."""
        same = (self.names, self.spec) == (other.names, other.spec)
        return same and all(map(_is_equal, self.leaves, other.leaves))


@dataclass(frozen=True)
class _Place:
    number: int


def _is_equal(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except Exception:  # noqa: BLE001 - whatever a class of the user's raises: nobody can say that they are equal
        return False


def laid_out(code: Code, inputs: Inputs) -> tuple[Layout, dict[str, Tensor]]:
    """The layout of the call, and its tensors by name, on the CPU. Raises `UsageError` where there is no tensor."""
    args, kwargs = _arguments(inputs)
    flat, spec = pytree.tree_flatten_with_path((args, kwargs))
    parameters = _parameter_names(code)
    tensors: dict[str, Tensor] = {}
    leaves: list[Any] = []
    for path, leaf in flat:
        if isinstance(leaf, Tensor):
            leaves.append(_Place(len(tensors)))
            tensors[_name(path, parameters)] = leaf.detach().resolve_conj().to(CPU)
        else:
            leaves.append(leaf)
    if not tensors:
        raise UsageError("the inputs hold no tensor", hint=TAKES)
    return Layout(tuple(tensors), tuple(leaves), spec), tensors


def _arguments(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, Tensor):
        return (inputs,), {}
    if isinstance(inputs, Mapping):
        for name in inputs:
            if not isinstance(name, str):
                raise UsageError(Sentence("an argument's name is {name!r}, no text", name=name), hint=TAKES)
        return (), dict(inputs)
    if isinstance(inputs, Sequence) and not isinstance(inputs, str):
        return tuple(inputs), {}
    raise UsageError(Sentence("inputs are {type}", type=type(inputs).__name__), hint=TAKES)


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
