"""Faults that strike only while a device writes: what it is asked for is right until the first token is read alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from npu_adapt.numerics.operators import operator_name

ATTENTION = "scaled_dot_product_attention"
PRODUCTS = ("mul", "matmul")
BLOCK = 8  # keys that a kernel takes at once: few, so that each text of a dozen tokens comes to an edge

Change = Callable[[Tensor, tuple[Any, ...], Random], Tensor]


@dataclass(frozen=True)
class Kind:
    """One fault: the operator whose result is wrong, which of its calls, and what it then gives."""

    name: str
    operators: tuple[str, ...]
    befalls: Callable[[Tensor, tuple[Any, ...]], bool]
    change: Change
    always: bool = False  # at every step from the first on and in every layer, and not from a drawn one and in one


def _grows_a_cache(result: Tensor, args: tuple[Any, ...]) -> bool:
    """Whether one new entry is put behind those of a cache [batch, heads, entries, width]."""
    parts = args[0]
    if result.dim() != 4 or not isinstance(parts, (list, tuple)) or len(parts) != 2:
        return False
    old, new = parts
    return bool(old.dim() == 4 and new.shape[-2] == 1 and result.shape[-2] == old.shape[-2] + 1 and old.shape[-2] > 1)


def _turns_a_position(result: Tensor, args: tuple[Any, ...]) -> bool:
    """Whether it is the product of one position with the frequencies of a rotary embedding.

    Transformers 5 multiplies positions [1, 1, 1] by frequencies [n], 4 the matrices [1, n, 1] and [1, 1, 1].
    """
    if len(args) != 2 or not isinstance(args[1], Tensor) or result.dim() != 3:
        return False
    return _position(args) is not None


def _position(args: tuple[Any, ...]) -> int | None:
    """Which of the two is the position; None: neither."""
    one, other = args[:2]
    if one.numel() == 1 and one.dim() == 3 and other.dim() == 1 and other.numel() > 1:
        return 0
    return 1 if one.dim() == 3 and one.shape[-1] == 1 and other.dim() == 3 and other.numel() == 1 else None


def _attends_alone(result: Tensor, args: tuple[Any, ...]) -> bool:
    """Whether one query looks at the entries of a cache."""
    return bool(args[0].shape[-2] == 1 and args[1].shape[-2] > 1)


def _at_an_edge(result: Tensor, args: tuple[Any, ...]) -> bool:
    return _attends_alone(result, args) and args[1].shape[-2] % BLOCK == 1


def _stale(result: Tensor, args: tuple[Any, ...], rng: Random) -> Tensor:
    """The newest entry was not written: it is what the place held before."""
    return torch.cat([result[..., :-1, :], result[..., -2:-1, :]], dim=-2)


def _of_another_row(result: Tensor, args: tuple[Any, ...], rng: Random) -> Tensor:
    """The entries of one head are those of another, or where there is one head only, those before them."""
    if result.shape[1] > 1:
        return torch.cat([result[:, 1:2], result[:, 1:]], dim=1)
    return torch.cat([result[..., :1, :], result[..., :-1, :]], dim=-2)


def _turned(args: tuple[Any, ...], position: Callable[[Tensor], Tensor]) -> Tensor:
    one, other = args[:2]
    return position(one) * other if _position(args) == 0 else torch.matmul(one, position(other))


def _one_further(result: Tensor, args: tuple[Any, ...], rng: Random) -> Tensor:
    return _turned(args, lambda position: position + 1)


def _rounded_position(result: Tensor, args: tuple[Any, ...], rng: Random) -> Tensor:
    """Long positions are kept in too few bits: only every fourth is there."""
    return _turned(args, lambda position: (position / 4).floor() * 4)


def _masked(hidden: int) -> Change:
    """The key at `hidden` is not looked at."""

    def change(result: Tensor, args: tuple[Any, ...], rng: Random) -> Tensor:
        query, key, value = args[:3]
        groups = query.shape[1] // key.shape[1]
        keys, values = (each.repeat_interleave(groups, 1) if groups > 1 else each for each in (key, value))
        mask = torch.ones(1, keys.shape[-2], dtype=torch.bool, device=keys.device)
        mask[:, hidden] = False
        return torch.nn.functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask)

    return change


KINDS: Sequence[Kind] = (
    Kind("stale cache entry", ("cat",), _grows_a_cache, _stale),
    Kind("cache of another row", ("cat",), _grows_a_cache, _of_another_row),
    Kind("position off by one", PRODUCTS, _turns_a_position, _one_further),
    Kind("wrong rotary at long positions", PRODUCTS, _turns_a_position, _rounded_position),
    Kind("newest key masked away", (ATTENTION,), _attends_alone, _masked(-1)),
    Kind("mask off by one at a block's edge", (ATTENTION,), _at_an_edge, _masked(-2), always=True),
)


class Decoding(TorchFunctionMode):
    """Makes the result of one call of each step wrong, from a step on: the call that `kind` befalls, of layer `layer`.

    Those of every layer where `kind` is one that always strikes, as a wrong kernel does.
    To be entered inside the device that computes right. `fired` counts the results that were changed.
    """

    def __init__(self, kind: Kind, layer: int, since: int, seed: int) -> None:
        super().__init__()
        self.kind, self.layer, self.since = kind, layer, since
        self.fired = 0
        self._rng = Random(seed)
        self._step = self._seen = 0

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = operator_name(func)
        if name == "embedding":
            self._step = self._step + 1 if result.shape[1] == 1 else 0
            self._seen = 0
        if name not in self.kind.operators or self._step <= self.since or not self.kind.befalls(result, args):
            return result
        seen, self._seen = self._seen, self._seen + 1
        if seen != self.layer and not self.kind.always:
            return result
        wrong = self.kind.change(result, args, self._rng).to(result.dtype)
        self.fired += not torch.equal(wrong, result)
        return wrong
