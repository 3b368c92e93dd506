"""Back ends of torch.compile for the tests: a correct one, and others that each compile one thing wrongly.

Beside them ways in which a device that captures graphs replays them.

They run the graph that dynamo gives them, node by node, so that nothing takes long to compile.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, fx

from npu_adapt.devices import modes
from npu_adapt.devices.backends import BACKENDS, CPU

Run = Callable[..., Any]
Replay = Callable[[], Any]
Captured = Callable[[Replay, object], Replay]  # of a forward and a device, what replays it
Compiler = Callable[[fx.GraphModule, Sequence[Any]], Run]
ATTENTION = F.scaled_dot_product_attention
WRONG_EPSILON = 1e-2


class Changed(fx.Interpreter):
    """Runs a graph, with `change` in the place of each function or method: it gets the function and its arguments."""

    def __init__(self, graph: fx.GraphModule, change: Callable[..., Any]) -> None:
        super().__init__(graph)
        self._change = change

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._change(target, args, kwargs)

    def call_method(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._change(getattr(Tensor, target, target), args, kwargs)


def changing(change: Callable[..., Any]) -> Compiler:
    return lambda graph, _: Changed(graph, change).run


def correct(graph: fx.GraphModule, _: Sequence[Any]) -> Run:
    return graph.forward


def _dropped_cast(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the code computes in float32 stays in the half type."""
    if function is Tensor.float or (function is Tensor.to and torch.float32 in args[1:]):
        return args[0]
    return function(*args, **kwargs)


def _wrong_epsilon(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if function is F.layer_norm:
        return function(*args[:4], eps=WRONG_EPSILON)
    return function(*args, **kwargs)


def _reused_buffer(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A norm's result lies where its input was, which the residual still needs."""
    result = function(*args, **kwargs)
    return args[0].copy_(result) if function is F.layer_norm else result


def _ignored_mask(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return function(*args, **(kwargs | {"attn_mask": None})) if function is ATTENTION else function(*args, **kwargs)


def _gelu_by_tanh(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return F.gelu(*args, approximate="tanh") if function is F.gelu else function(*args, **kwargs)


def _products_in_bfloat16(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """As autocast would, had the user asked for it."""
    result = function(*args, **kwargs)
    if function is not F.linear:
        return result
    narrow = [each.bfloat16() if isinstance(each, Tensor) else each for each in args]
    return function(*narrow, **kwargs).to(result.dtype)


def kept_input(graph: fx.GraphModule, _: Sequence[Any]) -> Run:
    """Every call computes on what the first one was given."""
    first: list[tuple[Any, ...]] = []

    def run(*args: Any) -> Any:
        first.append(tuple(leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in args))
        return graph.forward(*first[0])

    return run


def overwritten_result(graph: fx.GraphModule, _: Sequence[Any]) -> Run:
    """Every call gives its results in the same memory."""
    kept: list[Any] = []

    def run(*args: Any) -> Any:
        results = graph.forward(*args)
        if kept and [each.shape for each in kept[0]] == [each.shape for each in results]:
            for old, new in zip(kept[0], results, strict=True):
                old.copy_(new)
            return kept[0]
        kept[:] = [results]
        return results

    return run


def refusing(graph: fx.GraphModule, _: Sequence[Any]) -> Run:
    raise RuntimeError("error: no kernel for this graph\nand a second line")


FAULTS: dict[str, Compiler] = {
    "dropped-cast": changing(_dropped_cast),
    "wrong-epsilon": changing(_wrong_epsilon),
    "reused-buffer": changing(_reused_buffer),
    "ignored-mask": changing(_ignored_mask),
    "gelu-by-tanh": changing(_gelu_by_tanh),
    "products-in-bfloat16": changing(_products_in_bfloat16),
    "kept-input": kept_input,
    "overwritten-result": overwritten_result,
}


# The types of modules that a fault is in, where it is in one type only.
NAMED_BY = {"wrong-epsilon": ("LayerNorm",), "gelu-by-tanh": ("GELUActivation",), "products-in-bfloat16": ("Linear",)}
COMPILERS = FAULTS | {"correct": correct, "refusing": refusing}


@functools.cache
def registered(name: str) -> str:
    """What torch.compile knows a back end by: one of these, or torch's own."""
    if name in COMPILERS:
        torch._dynamo.register_backend(COMPILERS[name], name=name)  # type: ignore[arg-type]
    return name


@contextmanager
def compiling_with(name: str) -> Iterator[None]:
    """Within it, torch.compile on the CPU takes that back end."""
    with patch.dict(BACKENDS, {"cpu": dataclasses.replace(CPU, compiler=registered(name))}):
        yield


def replayed(forward: Replay, _: object) -> Replay:
    """A graph as a device replays it: computed anew from the tensors it was captured with, into the same results."""
    results = forward()

    @torch.inference_mode()
    def replay() -> Any:
        for name, tensor in forward().items():
            results[name].copy_(tensor)
        return results

    return replay


def never_replayed(forward: Replay, _: object) -> Replay:
    results = forward()
    return lambda: results


@contextmanager
def capturing_with(captured: Captured) -> Iterator[None]:
    """Within it, the CPU captures graphs, in that way."""
    with (
        patch.dict(BACKENDS, {"cpu": dataclasses.replace(CPU, graph="Graph")}),
        patch.object(modes, "captured", captured),
    ):
        yield
