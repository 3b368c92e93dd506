"""Faults of devices, by class: each makes one operator's right result wrong, in a place and strength that is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS
from npu_adapt.numerics.emulation import emulate
from tests.benchmarks.verdict_devices import Fault, Operation
from tests.benchmarks.verdict_kernel_faults import LOOPS, NUMBERS, PRECISIONS, READINGS

ATTENTION = "scaled_dot_product_attention"
PRODUCTS = ("linear", "matmul", "conv2d")
VECTORS = ("softmax", "layer_norm", "gelu", "silu", "add", "mul", "rsqrt", "mean")
COMPUTED = (*PRODUCTS, ATTENTION, *VECTORS)
MOVES = ("transpose", "reshape", "cat", "embedding", "expand", "view", "getitem", "contiguous", "flatten")


@dataclass(frozen=True)
class Kind:
    """One fault: its class, the operators it can befall, and what draws it."""

    name: str
    family: str
    operators: tuple[str, ...]
    draw: Callable[[Random], Fault]


def _fixed(fault: Fault) -> Callable[[Random], Fault]:
    return lambda _: fault


def _places(shape: torch.Size, rng: Random) -> tuple[int, ...]:
    return tuple(rng.randrange(size) for size in shape)


# --- one element ---------------------------------------------------------------------------------


def _element(change: Callable[[float, Random, Tensor], float]) -> Callable[[Random], Fault]:
    def draw(rng: Random) -> Fault:
        seed = rng.randrange(1 << 30)

        def fault(operation: Operation) -> Tensor:
            own, result = Random(seed), operation.result.clone()
            place = _places(result.shape, own)
            result[place] = change(float(result[place]), own, result)
            return result

        return fault

    return draw


def _flip_bit(value: float, rng: Random, result: Tensor) -> float:
    image = torch.tensor(value, dtype=torch.float32).view(torch.int32)
    return float((image ^ (1 << rng.randrange(11, 23))).view(torch.float32))


# --- blocks and rows -----------------------------------------------------------------------------


def _matrix(result: Tensor) -> Tensor:
    return result.reshape(-1, result.shape[-1])


def _tile(make: Callable[[Tensor, slice, slice, Random], Tensor]) -> Callable[[Random], Fault]:
    def draw(rng: Random) -> Fault:
        seed, size = rng.randrange(1 << 30), rng.choice((2, 4, 8, 16))

        def fault(operation: Operation) -> Tensor:
            own = Random(seed)
            result = _matrix(operation.result.clone())
            row, column = (own.randrange(max(1, length - size + 1)) for length in result.shape)
            rows, columns = slice(row, row + size), slice(column, column + size)
            result[rows, columns] = make(result, rows, columns, own)
            return result.reshape(operation.result.shape)

        return fault

    return draw


def _stale(result: Tensor, rows: slice, columns: slice, rng: Random) -> Tensor:
    """What the tile before it held."""
    return result.roll(columns.stop - columns.start, -1)[rows, columns].clone()


def _rows(change: Callable[[Tensor, int], None]) -> Callable[[Random], Fault]:
    def draw(rng: Random) -> Fault:
        seed = rng.randrange(1 << 30)

        def fault(operation: Operation) -> Tensor:
            result = _matrix(operation.result.clone())
            if result.size(0) > 1:
                change(result, Random(seed).randrange(result.size(0) - 1))
            return result.reshape(operation.result.shape)

        return fault

    return draw


def _swap(result: Tensor, row: int) -> None:
    result[[row, row + 1]] = result[[row + 1, row]]


def _repeat(result: Tensor, row: int) -> None:
    result[row + 1] = result[row]


def _unwritten_tail(result: Tensor, row: int) -> None:
    result[-1] = 0.0


# --- precision -----------------------------------------------------------------------------------


def _coarse_operands(name: str) -> Fault:
    def fault(operation: Operation) -> Tensor:
        with emulate(ARITHMETICS[name]):
            result: Tensor = operation.function(*operation.args, **operation.kwargs)
        return result

    return fault


def _rounded_result(dtype: torch.dtype) -> Fault:
    return lambda operation: operation.result.to(dtype).to(operation.result.dtype)


def _coarse_accumulation(dtype: torch.dtype) -> Fault:
    """The sum in two halves, the first of them kept in a half type."""

    def fault(operation: Operation) -> Tensor:
        left, right = operation.args[0], operation.args[1]
        axis = -1 if operation.operator == "linear" else -2
        half = left.size(-1) // 2
        first = operation.again(left[..., :half], right.narrow(axis, 0, half))
        second = operation.again(left[..., half:], right.narrow(axis, half, left.size(-1) - half))
        total: Tensor = first.to(dtype).float() + second
        bias = operation.args[2] if len(operation.args) > 2 else operation.kwargs.get("bias")
        return total if bias is None else total + bias

    return fault


def _coarse_inside(dtype: torch.dtype) -> Fault:
    """The whole operator computed in a half type."""

    def narrow(value: Any) -> Any:
        return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value

    def fault(operation: Operation) -> Tensor:
        kwargs = {name: narrow(value) for name, value in operation.kwargs.items() if name != "dtype"}
        result: Tensor = operation.function(*map(narrow, operation.args), **kwargs)
        return result.float()

    return fault


# --- formulas ------------------------------------------------------------------------------------


def _norm(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    def fault(operation: Operation) -> Tensor:
        names = ("input", "normalized_shape", "weight", "bias", "eps")
        given = {**dict(zip(names, operation.args, strict=False)), **operation.kwargs}
        changed = change({name: value for name, value in given.items() if name in names})
        result: Tensor = operation.again(*(changed.get(name) for name in names[:-1]), changed.get("eps", 1e-5))
        return result

    return fault


def _unbiased_norm(operation: Operation) -> Tensor:
    x = operation.args[0]
    bias = operation.args[3] if len(operation.args) > 3 else operation.kwargs.get("bias")
    centred = operation.result if bias is None else operation.result - bias
    scaled = centred * math.sqrt((x.shape[-1] - 1) / x.shape[-1])
    return scaled if bias is None else scaled + bias


def _without_bias(operation: Operation) -> Tensor:
    bias = operation.args[2] if len(operation.args) > 2 else operation.kwargs.get("bias")
    if bias is None:
        return operation.result
    return operation.result - bias.reshape(
        -1, *(1,) * (operation.result.dim() - 2 if operation.operator == "conv2d" else 0)
    )


def _without_last_terms(rng: Random) -> Fault:
    count = rng.choice((1, 2, 8))

    def fault(operation: Operation) -> Tensor:
        left, right = operation.args[0].clone(), operation.args[1]
        left[..., -count:] = 0.0
        result: Tensor = operation.again(left, right, *operation.args[2:], **operation.kwargs)
        return result

    return fault


def _attention(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Fault:
    def fault(operation: Operation) -> Tensor:
        names = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
        given = {**dict(zip(names, operation.args, strict=False)), **operation.kwargs}
        changed = change(given)
        query, key, value = (changed.pop(name) for name in ("query", "key", "value"))
        result: Tensor = operation.again(query, key, value, **changed)
        return result

    return fault


def _mask_off_by_one(given: dict[str, Any]) -> dict[str, Any]:
    """The last key is not looked at or, where there is a causal mask, each query sees one key too many."""
    query, key = given["query"], given["key"]
    size = (query.size(-2), key.size(-2))
    causal = given.pop("is_causal", False)
    mask = torch.ones(size, dtype=torch.bool)
    mask = mask.tril(1) if causal else mask.index_fill(1, torch.tensor([size[1] - 1]), False)
    kept = given.get("attn_mask")
    if kept is not None:
        mask = kept & mask if kept.dtype == torch.bool else kept.masked_fill(~mask, -math.inf)
    return {**given, "attn_mask": mask}


def _swapped_heads(operation: Operation) -> Tensor:
    heads = [1, 0, *range(2, operation.result.size(1))]
    return operation.result[:, heads] if operation.result.size(1) > 1 else operation.result


def _softmax_other_axis(operation: Operation) -> Tensor:
    return operation.args[0].float().softmax(-2)


def _softmax_without_sum_of_one(operation: Operation) -> Tensor:
    """The last weight is left out of the sum."""
    result = operation.result
    return result / (1 - result[..., -1:]).clamp(min=1e-3)


def _scaled(rng: Random) -> Fault:
    by = 1 + rng.choice((-1, 1)) * 10.0 ** -rng.uniform(1.5, 4.5)
    return lambda operation: operation.result * by


def _saturated(rng: Random) -> Fault:
    share = rng.choice((0.3, 0.6, 0.9))

    def fault(operation: Operation) -> Tensor:
        most = share * float(operation.result[operation.result.isfinite()].abs().max())
        result: Tensor = operation.result.clamp(-most, most)
        return result

    return fault


def _index_off_by_one(operation: Operation) -> Tensor:
    table = operation.args[1]
    result = operation.result.clone()
    _matrix(result)[-1] = table[(operation.args[0].reshape(-1)[-1] + 1) % table.size(0)]
    return result


def _scaled_twice(given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "query": given["query"] * given["query"].size(-1) ** -0.5}


def _scaled_by_another_width(given: dict[str, Any]) -> dict[str, Any]:
    return {**given, "scale": (given["query"].size(-1) + 1) ** -0.5}


def _residual_dropped(operation: Operation) -> Tensor:
    kept = operation.args[0]
    return kept.expand_as(operation.result).clone() if isinstance(kept, Tensor) else operation.result


def _mean_over_one_less(operation: Operation) -> Tensor:
    result: Tensor = operation.result * (1 + 1 / (operation.args[0].shape[-1] - 1))
    return result


_FORMULAS: dict[str, tuple[tuple[str, ...], Callable[[Random], Fault]]] = {
    "gelu by tanh": (("gelu",), _fixed(lambda o: F.gelu(o.args[0], approximate="tanh"))),
    "gelu by sigmoid": (("gelu",), _fixed(lambda o: o.args[0] * torch.sigmoid(1.702 * o.args[0]))),
    "silu by hard sigmoid": (("silu",), _fixed(lambda o: F.hardswish(o.args[0]))),
    "norm without eps": (("layer_norm",), _fixed(_norm(lambda g: {**g, "eps": 0.0}))),
    "norm with ten times eps": (("layer_norm",), _fixed(_norm(lambda g: {**g, "eps": 10 * g.get("eps", 1e-5)}))),
    "norm without bias": (("layer_norm",), _fixed(_norm(lambda g: {**g, "bias": None}))),
    "norm with n - 1": (("layer_norm",), _fixed(_unbiased_norm)),
    "attention scaled twice": ((ATTENTION,), _fixed(_attention(_scaled_twice))),
    "attention scaled by width + 1": ((ATTENTION,), _fixed(_attention(_scaled_by_another_width))),
    "softmax short of a term": (("softmax",), _fixed(_softmax_without_sum_of_one)),
    "mean over n - 1": (("mean",), _fixed(_mean_over_one_less)),
    "scaled a little": (COMPUTED, _scaled),
}
_BIASES: dict[str, tuple[tuple[str, ...], Callable[[Random], Fault]]] = {
    "bias dropped": (("linear", "conv2d"), _fixed(_without_bias)),
    "residual dropped": (("add",), _fixed(_residual_dropped)),
    "last terms not summed": (("linear", "matmul"), _without_last_terms),
}
_TILES: dict[str, tuple[tuple[str, ...], Callable[[Random], Fault]]] = {
    "stale tile": (COMPUTED, _tile(_stale)),
    "tile not written": (COMPUTED, _tile(lambda r, rows, columns, rng: torch.zeros_like(r[rows, columns]))),
    "tile off by a thousandth": (COMPUTED, _tile(lambda r, rows, columns, rng: r[rows, columns] * (1 + 1e-3))),
    "stale tile in a move": (MOVES, _tile(_stale)),
    "last row not written": (COMPUTED, _rows(_unwritten_tail)),
}
_ELEMENTS: dict[str, tuple[tuple[str, ...], Callable[[Random], Fault]]] = {
    "zero": (COMPUTED, _element(lambda value, rng, result: 0.0)),
    "doubled": (COMPUTED, _element(lambda value, rng, result: 2 * value)),
    "bit flipped": (COMPUTED, _element(_flip_bit)),
    "sign flipped": (COMPUTED, _element(lambda value, rng, result: -value)),
    "largest of the type": (COMPUTED, _element(lambda value, rng, result: 65504.0)),
    "NaN": (COMPUTED, _element(lambda value, rng, result: math.nan)),
    "bit flipped in a move": (MOVES, _element(_flip_bit)),
}
_ROWS: dict[str, tuple[tuple[str, ...], Callable[[Random], Fault]]] = {
    "two rows swapped": (COMPUTED, _rows(_swap)),
    "row repeated": (COMPUTED, _rows(_repeat)),
    "two rows of a move swapped": (MOVES, _rows(_swap)),
    "heads swapped": ((ATTENTION, "transpose"), _fixed(_swapped_heads)),
    "index off by one": (("embedding",), _fixed(_index_off_by_one)),
}
_HALVES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
_COARSER = ("hf32", "tf32", "float16", "bfloat16")
_PRECISIONS: dict[str, tuple[tuple[str, ...], Callable[[Random], Fault]]] = {
    **{f"operands in {name}": ((*PRODUCTS, ATTENTION), _fixed(_coarse_operands(name))) for name in _COARSER},
    **{f"result in {name}": (COMPUTED, _fixed(_rounded_result(dtype))) for name, dtype in _HALVES.items()},
    **{
        f"half of the sum kept in {name}": (("linear", "matmul"), _fixed(_coarse_accumulation(dtype)))
        for name, dtype in _HALVES.items()
    },
    **{f"computed in {name}": (VECTORS, _fixed(_coarse_inside(dtype))) for name, dtype in _HALVES.items()},
}
_MASKS: dict[str, tuple[tuple[str, ...], Callable[[Random], Fault]]] = {
    "mask off by one": ((ATTENTION,), _fixed(_attention(_mask_off_by_one))),
    "softmax over the other axis": (("softmax",), _fixed(_softmax_other_axis)),
}
_FAMILIES = {
    "formula": _FORMULAS,
    "bias": _BIASES,
    "tile": _TILES,
    "element": _ELEMENTS,
    "rows": _ROWS,
    "precision": _PRECISIONS | PRECISIONS,
    "mask and axis": _MASKS,
    "saturation": {"saturated": (COMPUTED, _saturated)},
    "loop": LOOPS,
    "reading": READINGS,
    "number": NUMBERS,
}
FAULTS: tuple[Kind, ...] = tuple(
    Kind(name, family, operators, draw)
    for family, faults in _FAMILIES.items()
    for name, (operators, draw) in faults.items()
)

# Each of them also befalls one execution only.
TRANSIENT = tuple(
    Kind(f"{kind.name}, once", "transient", kind.operators, kind.draw)
    for kind in FAULTS
    if kind.family in ("element", "tile") and kind.operators == COMPUTED
)

# A fault of precision is one only where the device's own arithmetic is finer.
COARSER_THAN = {f"operands in {name}": ARITHMETICS[name].mantissa_bits for name in _COARSER}
