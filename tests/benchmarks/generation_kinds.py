"""What goes wrong in decoding: caches, positions and masks, in the forms that models write them in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from tests.benchmarks.generation_faults import Befalls, Called, Change, Kind, Strike

ATTENTION = "scaled_dot_product_attention"
PRODUCTS = ("mul", "matmul")
BLOCK = 8  # keys that a kernel takes at once: few, so that each text of a dozen tokens comes to an edge


def _grows_a_cache(called: Called) -> bool:
    """Whether one new entry is put behind those of a cache [batch, heads, entries, width]."""
    parts = called.args[0]
    if called.result.dim() != 4 or not isinstance(parts, (list, tuple)) or len(parts) != 2:
        return False
    old, new = parts
    return bool(
        old.dim() == 4 and new.shape[-2] == 1 and called.result.shape[-2] == old.shape[-2] + 1 and old.shape[-2] > 1
    )


def _turns_a_position(called: Called) -> bool:
    """Whether it is the product of one position with the frequencies of a rotary embedding.

    Transformers 5 multiplies positions [1, 1, 1] by frequencies [n], 4 the matrices [1, n, 1] and [1, 1, 1].
    """
    args = called.args
    return len(args) == 2 and isinstance(args[1], Tensor) and called.result.dim() == 3 and _position(args) is not None


def _position(args: tuple[Any, ...]) -> int | None:
    """Which of the two is the position; None: neither."""
    one, other = args[:2]
    if one.numel() == 1 and one.dim() == 3 and other.dim() == 1 and other.numel() > 1:
        return 0
    return 1 if one.dim() == 3 and one.shape[-1] == 1 and other.dim() == 3 and other.numel() == 1 else None


def _picks_rows(called: Called) -> bool:
    """Whether rows of a table are picked by their numbers, as those of positions in a table without a module."""
    table, numbers = called.args[:2]
    return table.dim() == 2 and isinstance(numbers, Tensor) and numbers.dtype == torch.int64


def _any(called: Called) -> bool:
    return True


def _looks_at(tensor: int, axis: int, growth: int) -> Befalls:
    """Whether one query looks at entries that are `growth` more than a step earlier: `axis` of argument `tensor`.

    A decoder's own entries grow by one, and those of its encoder stay. Heads may be rows of a batch: three axes.
    """

    def befalls(called: Called) -> bool:
        looked = called.args[tensor].shape
        if called.before is None or len(looked) < 3 or called.args[0].shape[-2] != 1 or looked[axis] < 2:
            return False
        return bool(looked[axis] - called.before[tensor][axis] == growth)

    return befalls


def _at_an_edge(tensor: int, axis: int) -> Befalls:
    own = _looks_at(tensor, axis, 1)
    return lambda called: own(called) and called.args[tensor].shape[axis] % BLOCK == 1


def _reads_what_stays(called: Called) -> bool:
    """Whether it is a matrix product of an attention that is written out, with entries that do not grow."""
    shapes = tuple(each.shape for each in called.args[:2])
    return called.before == shapes and len(shapes[0]) >= 3 and shapes[0][-2] == 1


def _stale(called: Called) -> Tensor:
    """The newest entry was not written: it is what the place held before."""
    return _last_repeated(called.result, -2)


def _last_repeated(entries: Tensor, axis: int) -> Tensor:
    """The last entry is the one before it."""
    count = entries.shape[axis]
    kept = [*range(count - 1), max(0, count - 2)]
    return entries.index_select(axis, torch.tensor(kept, device=entries.device))


def _of_another_row(called: Called) -> Tensor:
    return _another_row(called.result)


def _another_row(entries: Tensor) -> Tensor:
    """The entries of one head are those of another, or where there is one head only, those before them."""
    if entries.shape[-3] > 1:
        return torch.cat([entries[..., 1:2, :, :], entries[..., 1:, :, :]], dim=-3)
    return torch.cat([entries[..., :1, :], entries[..., :-1, :]], dim=-2)


def _turned(called: Called, position: Callable[[Tensor], Tensor]) -> Tensor:
    one, other = called.args[:2]
    return position(one) * other if _position(called.args) == 0 else torch.matmul(one, position(other))


def _one_further(called: Called) -> Tensor:
    return _turned(called, lambda position: position + 1)


def _rounded_position(called: Called) -> Tensor:
    """Long positions are kept in too few bits: only every fourth is there."""
    return _turned(called, lambda position: (position / 4).floor() * 4)


def _next_row(called: Called) -> Any:
    """What the table holds for the position after it, or for the distance that is one longer."""
    numbers, table = called.args[:2]
    return called.again((numbers + 1).clamp(max=len(table) - 1))


def _next_row_picked(called: Called) -> Any:
    table, numbers = called.args[:2]
    return called.again(table, (numbers + 1).clamp(max=len(table) - 1))


def _masked(hidden: int) -> Change:
    """The key at `hidden` is not looked at."""

    def change(called: Called) -> Tensor:
        query, key, value = called.args[:3]
        groups = query.shape[1] // key.shape[1]
        keys, values = (each.repeat_interleave(groups, 1) if groups > 1 else each for each in (key, value))
        mask = called.kwargs.get("attn_mask")
        if mask is None:
            mask = torch.ones(1, keys.shape[-2], dtype=torch.bool, device=keys.device)
        mask = mask.clone()
        mask[..., hidden] = False if mask.dtype == torch.bool else -torch.inf
        return torch.nn.functional.scaled_dot_product_attention(
            query, keys, values, attn_mask=mask, scale=called.kwargs.get("scale")
        )

    return change


def _left_out(hidden: int) -> Change:
    """As `_masked`, of weights that are made by a softmax of their own."""

    def change(called: Called) -> Any:
        scores = called.args[0].clone()
        scores[..., hidden] = -torch.inf
        return called.again(scores)

    return change


def _attended_in_another_row(called: Called) -> Any:
    query, key, value = called.args[:3]
    return called.again(query, _another_row(key), _another_row(value))


def _multiplied_by_another_row(called: Called) -> Any:
    left, right = called.args[:2]
    return called.again(left, _another_row(right))


def _attended_with_a_stale_entry(called: Called) -> Any:
    query, key, value = called.args[:3]
    return called.again(query, _last_repeated(key, -2), _last_repeated(value, -2))


def _multiplied_by_a_stale_entry(called: Called) -> Any:
    """Of keys [width, entries] that make scores, or of values [entries, width] that weights of sum one are for."""
    left, right = called.args[:2]
    sums = left.float().sum(-1)
    are_weights = bool((left >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=0.02)
    return called.again(left, _last_repeated(right, -2 if are_weights else -1))


KINDS: Sequence[Kind] = (
    Kind("stale cache entry", (Strike(("cat",), _grows_a_cache, _stale),)),
    Kind("cache of another row", (Strike(("cat",), _grows_a_cache, _of_another_row),)),
    Kind(
        "position off by one",
        (
            Strike(PRODUCTS, _turns_a_position, _one_further),
            Strike(("embedding",), _any, _next_row),
            Strike(("getitem",), _picks_rows, _next_row_picked),
        ),
    ),
    Kind("wrong rotary at long positions", (Strike(PRODUCTS, _turns_a_position, _rounded_position),)),
    Kind(
        "newest key masked away",
        (
            Strike((ATTENTION,), _looks_at(1, -2, 1), _masked(-1)),
            Strike(("softmax",), _looks_at(0, -1, 1), _left_out(-1)),
        ),
    ),
    Kind(
        "mask off by one at a block's edge",
        (
            Strike((ATTENTION,), _at_an_edge(1, -2), _masked(-2)),
            Strike(("softmax",), _at_an_edge(0, -1), _left_out(-2)),
        ),
        always=True,
    ),
    Kind(
        "encoder's last position masked away",
        (
            Strike((ATTENTION,), _looks_at(1, -2, 0), _masked(-1)),
            Strike(("softmax",), _looks_at(0, -1, 0), _left_out(-1)),
        ),
    ),
    Kind(
        "encoder's cache of another row",
        (
            Strike((ATTENTION,), _looks_at(1, -2, 0), _attended_in_another_row),
            Strike(("matmul", "bmm"), _reads_what_stays, _multiplied_by_another_row),
        ),
    ),
    Kind(
        "encoder's last cache entry stale",
        (
            Strike((ATTENTION,), _looks_at(1, -2, 0), _attended_with_a_stale_entry),
            Strike(("matmul", "bmm"), _reads_what_stays, _multiplied_by_a_stale_entry),
        ),
    ),
)
