"""A captured call as Python: the name of its function and its arguments, as somebody would type them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import resolve_name

from npu_adapt.numerics.capture import Call
from npu_adapt.workflows.compare.alone import CPU
from npu_adapt.workflows.compare.repro.case import span_of

SETITEM = "torch.Tensor.__setitem__"  # the one that gives nothing back


class NotScriptable(Exception):
    """A call that cannot be written down as Python that needs torch alone; the text is what stands in the way."""


class Arguments:
    """The arguments of a call as text, and the tensors that the text names: `t["0"]` is the first.

    In it `device` is where it runs, and `wide` the type that its floating operands were brought to, or None.
    """

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.positional = [self._literal(each) for each in args]
        self.named = {name: self._literal(each) for name, each in kwargs.items()}

    @property
    def text(self) -> str:
        return ", ".join([*self.positional, *(f"{name}={value}" for name, value in self.named.items())])

    def _literal(self, leaf: Any) -> str:
        write = next((write for kind, write in _WRITERS if isinstance(leaf, kind)), None)
        if write is None:
            raise NotScriptable(type(leaf).__name__)
        return write(self, leaf)

    def _several(self, leaf: list[Any] | tuple[Any, ...]) -> str:
        inner = ", ".join(map(self._literal, leaf))
        return f"[{inner}]" if isinstance(leaf, list) else f"({inner},)" if len(leaf) == 1 else f"({inner})"

    def _slice(self, leaf: slice) -> str:
        return f"slice({', '.join(self._literal(each) for each in (leaf.start, leaf.stop, leaf.step))})"

    def _tensor(self, tensor: Tensor) -> str:
        if tensor.is_complex() or tensor.layout != torch.strided or tensor.is_quantized or not tensor.numel():
            raise NotScriptable(f"{tensor.dtype} {tuple(tensor.shape)}")
        known = next((name for name, each in self.tensors.items() if each is tensor), None)
        name = known or str(len(self.tensors))
        self.tensors[name] = tensor
        if span_of(tensor) is None:
            return f't["{name}"]'
        return f't["{name}"].as_strided({tuple(tensor.shape)}, {tensor.stride()})'


def _text(_: Arguments, leaf: str) -> str:
    """Where it ran is where it runs now."""
    return "str(device)" if leaf == CPU.type else repr(leaf)


def _number(_: Arguments, leaf: float) -> str:
    return repr(leaf) if math.isfinite(leaf) else f'float("{leaf}")'


def _type(_: Arguments, leaf: torch.dtype) -> str:
    return f"(wide or {leaf})" if leaf.is_floating_point else str(leaf)


# By the kind of the argument, the first that fits.
_WRITERS: tuple[tuple[Any, Callable[[Arguments, Any], str]], ...] = (
    (Tensor, Arguments._tensor),
    ((list, tuple), Arguments._several),
    (slice, Arguments._slice),
    (str, _text),
    (float, _number),
    (torch.dtype, _type),
    (torch.device, lambda _, leaf: "torch.device(device)"),
    (type(Ellipsis), lambda _, leaf: "..."),
    ((type(None), bool, int, torch.layout, torch.memory_format), lambda _, leaf: str(leaf)),
)


def stored(tensor: Tensor) -> Tensor:
    """A tensor as its file holds it: the memory it lies in, flat, where it has a layout of its own."""
    flat = span_of(tensor)
    return tensor.clone(memory_format=torch.contiguous_format) if flat is None else flat.clone()


class Expression:
    """The call as the body of a function that gives its failing result, and the tensors that it names."""

    def __init__(self, call: Call, position: int) -> None:
        given = Arguments(call.args, call.kwargs)
        self.tensors = given.tensors
        self.lines = _lines(_name(call), given, _place(call.output, call.outputs[position]))


def _lines(name: str, given: Arguments, place: str) -> tuple[str, ...]:
    first, *others = [*given.positional, *given.named.values()] or [""]
    if name == SETITEM:
        return f"changed = {first}", f"changed[{others[0]}] = {others[1]}", "return changed"
    if name.endswith(".__get__"):
        return (f"return {first}.{name.split('.')[-2]}{place}",)
    return (f"return {name}({given.text}){place}",)


def _name(call: Call) -> str:
    """The function by its public name. Raises `NotScriptable` for one that has none in torch."""
    name: str | None = resolve_name(call.function)
    try:
        found = None if name is None else eval(name, {"torch": torch})
    except (AttributeError, SyntaxError, NameError):
        found = None
    if name is None or found != call.function:
        raise NotScriptable(call.operator)
    return name


def _place(output: Any, wanted: Tensor) -> str:
    """How the result is taken from what the function gives: "[1][0]" of nested tuples."""
    if output is wanted:
        return ""
    if isinstance(output, (tuple, list)):
        for at, each in enumerate(output):
            if each is wanted:
                return f"[{at}]"
            if isinstance(each, (tuple, list)):
                try:
                    return f"[{at}]{_place(each, wanted)}"
                except NotScriptable:
                    continue
    raise NotScriptable(type(output).__name__)
