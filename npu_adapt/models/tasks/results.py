"""The tensors in what a forward returns: any nesting of them, each named by its path."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import RunFailed, Sentence

OUTPUT = "output"  # what a single tensor is called, and the first part of the path in a tuple or list

Outputs = dict[str, Tensor]


def outputs_of(result: Any, names: Sequence[str]) -> Outputs:
    """The named fields of a model's result; where it has none of them, all of its tensors by their path.

    A model's own code may return a bare tensor, a tuple or a plain dictionary: its first unnamed tensor is taken for
    the first of `names`. Raises `RunFailed` where there is no tensor at all.
    """
    if found := present(result, names):
        _require_elements(found)
        return found
    placed = named_tensors(result)
    first = next(iter(placed))
    unnamed = isinstance(result, (Tensor, list, tuple)) and not hasattr(result, "_fields")
    return {(names[0] if unnamed and place == first else place): tensor for place, tensor in placed.items()}


def present(result: Any, names: Sequence[str]) -> Outputs:
    """The fields of a result that are there and are tensors."""
    fields = vars(result) if hasattr(result, "__dict__") else {}
    fields = fields | {name: member for name, member, is_numbered in _members(result) if not is_numbered}
    return {name: value for name in names if isinstance(value := fields.get(name), Tensor)}


def with_infinities(outputs: Outputs) -> Outputs:
    """The outputs with minus infinity where a model's code put the most negative number of the type that it ran in.

    So it masks scores: a forward in another type has another number there, and in a norm it hides all others.
    """
    return {name: _masked(tensor) if tensor.is_floating_point() else tensor for name, tensor in outputs.items()}


def _masked(tensor: Tensor) -> Tensor:
    least = torch.finfo(tensor.dtype).min
    return tensor.masked_fill(tensor == least, -torch.inf) if tensor.numel() and tensor.amin() == least else tensor


def named_tensors(result: Any) -> Outputs:
    """All tensors of a nesting of mappings, dataclasses, tuples and lists, by path: "boxes.0", "output.1.hidden".

    What is no tensor is passed over, None among it. Complex numbers are given as pairs of real ones, in a last
    dimension of 2, so that each part is compared. Raises `RunFailed` where there is no tensor.
    """
    found: Outputs = {}
    for path, tensor in _tensors(result, ""):
        place, number = path, 1
        while place in found:  # {"a.b": …, "a": {"b": …}}
            number += 1
            place = f"{path}#{number}"
        found[place] = tensor
    _require_elements(found)
    if not found:
        raise RunFailed(
            Sentence("the forward returned no tensor, but {type}", type=type(result).__name__),
            hint="there is nothing to compare; the model's forward has to return its outputs as tensors, "
            "or an adapter's outputs(result) to pick them",
            stage="forward",
            kind="other",
        )
    return {
        place: torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
        for place, tensor in found.items()
    }


def _require_elements(outputs: Outputs) -> None:
    """Raises `RunFailed` for a tensor that is no array in memory: sparse, quantised, nested, on the device "meta"."""
    for name, tensor in outputs.items():
        if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized or tensor.is_nested:
            raise RunFailed(
                Sentence(
                    "the output {name} is no plain tensor: {layout}, {dtype}, on {device}",
                    name=name,
                    layout=tensor.layout,
                    dtype=tensor.dtype,
                    device=tensor.device,
                ),
                hint="the model's forward has to return tensors whose elements can be read, as to_dense() gives them",
                stage="forward",
                kind="other",
            )


def _tensors(value: Any, path: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield path or OUTPUT, value
    for name, member, is_numbered in _members(value):
        lead = path or (OUTPUT if is_numbered else "")
        yield from _tensors(member, f"{lead}.{name}" if lead else name)


def _members(value: Any) -> Iterator[tuple[str, Any, bool]]:
    """What a container holds: name, member, and whether the name is only its number. A tensor holds nothing."""
    if isinstance(value, Mapping):
        yield from ((str(name), member, False) for name, member in value.items())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((each.name, getattr(value, each.name), False) for each in dataclasses.fields(value))
    elif isinstance(value, tuple) and hasattr(value, "_fields"):  # a named tuple
        yield from ((name, getattr(value, name), False) for name in value._fields)
    elif isinstance(value, (list, tuple)):
        yield from ((str(number), member, True) for number, member in enumerate(value))
