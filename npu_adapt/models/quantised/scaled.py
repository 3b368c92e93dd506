"""Quantised checkpoints whose weights are multiplied out before the model is built, which is then a plain one.

Each weight of FP8 of transformers, and of the weight-only formats of torchao that need no kernel to be read, is a
tensor of small numbers beside one of scales, each for a block of them. What they stand for is computed in float64 and
rounded once; the model's parameters are proven to be that, and both sides run with it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor

from npu_adapt.errors import ModelCorrupt, ModelError, Sentence, few
from npu_adapt.models.checkpoint import Checkpoint
from npu_adapt.models.configuration import PLAIN, named_type
from npu_adapt.models.quantised.methods import FP8, TORCHAO, Method, refused
from npu_adapt.models.stored import REFETCH, StoredTensor
from npu_adapt.numerics.dequantisation import multiplied_out
from npu_adapt.numerics.formats import dtype_name
from npu_adapt.records import Quantisation, QuantisedWeights

FLOAT8 = "float8"  # how the names of its types begin
SCALE = "_scale_inv"
DEFAULT_TYPE = "bfloat16"  # of checkpoints that do not say what they compute in


@dataclass(frozen=True)
class ScaledTensor:
    """A stored tensor of numbers that mean something times their scales; as what they stand for, in `dtype`."""

    numbers: StoredTensor
    scales: StoredTensor
    zero_points: StoredTensor | None  # None: zero stands for zero
    block: tuple[int, ...]  # rows and columns that share a scale
    dtype: torch.dtype

    @property
    def file(self) -> Path:
        return self.numbers.file

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.numbers.shape)

    @property
    def type_name(self) -> str:
        return dtype_name(self.dtype)

    @property
    def nbytes(self) -> int:
        """Of what it stands for."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def stored_bytes(self) -> int:
        return sum(each.nbytes for each in (self.numbers, self.scales, self.zero_points) if each is not None)

    def pieces(self) -> Iterator[Tensor]:
        yield self.whole().reshape(-1)

    def whole(self) -> Tensor:
        zero_points = None if self.zero_points is None else self._grid(self.zero_points)
        rows, columns = self.block
        return multiplied_out(self.numbers.whole(), self._grid(self.scales), zero_points, (rows, columns), self.dtype)

    def _grid(self, stored: StoredTensor) -> Tensor:
        return stored.whole().float().reshape(_blocks(self.shape, self.block))


@dataclass(frozen=True)
class ScaledCheckpoint:
    """A checkpoint whose quantised weights are multiplied out as they are read, and how they were stored."""

    checkpoint: Checkpoint
    quantisation: Quantisation | None  # None: they are plain numbers in a format of another kind


def computing_type(fields: Mapping[str, Any], dtype: str) -> torch.dtype:
    """The type of that name; for "auto" that of the configuration."""
    found: torch.dtype = getattr(torch, named_type(fields if dtype == "auto" else {"dtype": dtype}) or DEFAULT_TYPE)
    return found


def scaled_checkpoint(
    method: Method | None, checkpoint: Checkpoint, fields: Mapping[str, Any], path: Path, dtype: str
) -> ScaledCheckpoint | None:
    """The checkpoint with the weights that its tensors stand for, in `dtype`; None: it is stored in another way.

    "auto" is the type of the configuration. Raises `ModelError` for tensors that are not stored as the method says.
    """
    read = None if method is None else _READ.get(method.name)
    if method is None or read is None:
        return None
    weights, used = read(method, checkpoint, path, computing_type(fields, dtype))
    if not weights:
        raise refused(path, method.name)
    tensors: dict[str, StoredTensor] = {
        name: tensor for name, tensor in checkpoint.tensors.items() if name not in used and name not in weights
    }
    plain = Checkpoint(
        {**tensors, **{name: tensor for name, (tensor, _) in weights.items()}},
        checkpoint.files,
        checkpoint.pickled,
        direct=False,
        conversions=checkpoint.conversions,
    )
    return ScaledCheckpoint(plain, _described(method.name, list(weights.values())))


Weights = dict[str, tuple[ScaledTensor, QuantisedWeights]]  # by the name of the weight in the model
Read = Callable[[Method, Checkpoint, Path, torch.dtype], tuple[Weights, set[str]]]  # and the names of what they take


def _fp8(method: Method, checkpoint: Checkpoint, path: Path, dtype: torch.dtype) -> tuple[Weights, set[str]]:
    """Weights of 8 bits, each with a tensor of scales beside it.

    Scales of inputs are refused: transformers leaves them out where it dequantises, and uses them where it does not.
    """
    scheme = str(method.fields.get("activation_scheme") or "dynamic")
    if scheme != "dynamic":
        raise refused(path, f"{method.name}, activation_scheme {scheme}")
    size = method.fields.get("weight_block_size")
    weights: Weights = {}
    for name, tensor in checkpoint.tensors.items():
        if not tensor.type_name.startswith(FLOAT8) or name.endswith(SCALE):
            continue
        scales = checkpoint.tensors.get(name + SCALE)
        if scales is None:
            raise _unscaled(path, name)
        block = _block(size, tensor.shape) if size else tuple(tensor.shape)
        made = _scaled(path, name, ScaledTensor(tensor, scales, None, block, dtype))
        weights[name] = made, _way(made, tensor.type_name)
    return weights, {name + SCALE for name in weights}


def _torchao(method: Method, checkpoint: Checkpoint, path: Path, dtype: torch.dtype) -> tuple[Weights, set[str]]:
    """Tensors that torchao's support of safetensors took apart, as the files' own metadata describe them."""
    weights: Weights = {}
    used: set[str] = set()
    for name, kind, fields in _taken_apart(checkpoint, path):
        owner, _, own = name.rpartition(".")
        parts = {part: checkpoint.tensors.get(f"{owner}._{own}_{part}") for part in _PARTS}
        inputs = fields.get("act_quant_kwargs") or fields.get("activation_quantization")
        if kind not in _READABLE or inputs:
            raise refused(path, f"{method.name}, {kind}" + ", act_quant_kwargs" * bool(inputs))
        numbers, scales = parts["qdata"], parts["scale"]
        if numbers is None or scales is None:
            raise _unscaled(path, name)
        block = _block(fields.get("block_size"), numbers.shape)
        made = _scaled(path, name, ScaledTensor(numbers, scales, parts["zero_point"], block, dtype))
        weights[name] = made, _way(made, kind, str((fields.get("target_dtype") or {}).get("_data") or ""))
        used |= {f"{owner}._{own}_{part}" for part in _PARTS}
    return weights, used


_READ: Mapping[str, Read] = {FP8: _fp8, TORCHAO: _torchao}
_PARTS = ("qdata", "scale", "zero_point")
_READABLE = ("Int8Tensor", "IntxUnpackedToInt8Tensor", "Float8Tensor")  # their numbers lie one by one, unpacked


def _taken_apart(checkpoint: Checkpoint, path: Path) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Name, class and fields of each tensor that is no plain one. Raises `ModelError` where nothing is described."""
    from safetensors import safe_open

    try:
        for file in checkpoint.files:
            with safe_open(file, "pt") as opened:
                described = opened.metadata() or {}
            for name in json.loads(described.get("tensor_names", "[]")):
                about = json.loads(described[name])
                if about["_type"] != "Tensor":
                    yield name, str(about["_type"]), about["_data"]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise refused(path, TORCHAO) from error


def _block(size: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The block that the configuration tells; an unusable one is no block of the tensor."""
    if isinstance(size, (list, tuple)) and all(type(each) is int and each > 0 for each in size):
        return tuple(min(each, whole) for each, whole in zip(size, shape, strict=False))
    return ()


def _blocks(shape: tuple[int, ...], block: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-(-whole // part) for whole, part in zip(shape, block, strict=True))


def _scaled(path: Path, name: str, made: ScaledTensor) -> ScaledTensor:
    """The same. Raises `ModelCorrupt` where there is not one scale for each block of a matrix."""
    fits = len(made.shape) == len(made.block) == 2 and made.numbers.dtype is not None
    grids = [made.scales, *([] if made.zero_points is None else [made.zero_points])]
    if not fits or any(math.prod(each.shape) != math.prod(_blocks(made.shape, made.block)) for each in grids):
        raise ModelCorrupt(
            Sentence(
                "{path}: the scales of {name} are not one for each block of {block} of its {shape}",
                path=path,
                name=name,
                block=list(made.block),
                shape=list(made.shape),
            ),
            hint=REFETCH,
        )
    return made


def _unscaled(path: Path, name: str) -> ModelError:
    return ModelError(
        Sentence("{path} holds quantised weights without their scales: {names}", path=path, names=few([name])),
        hint=PLAIN,
        kind="quantised",
    )


def _way(made: ScaledTensor, form: str, target: str = "") -> QuantisedWeights:
    """How one weight is stored; `target` is the name of a narrower type than the one that its numbers lie in."""
    numbers = made.numbers.dtype
    assert numbers is not None
    bits = int("".join(filter(str.isdigit, target)) or 8 * numbers.itemsize)
    rows, columns = made.block
    whole = rows >= made.shape[0], columns >= made.shape[1]
    strategy = "tensor" if all(whole) else "channel" if rows == 1 and whole[1] else "group" if rows == 1 else "block"
    return QuantisedWeights(
        format=form,
        bits=bits,
        type="float" if numbers.is_floating_point else "int",
        strategy=strategy,
        group_size=columns if strategy in ("group", "block") else None,
        symmetric=made.zero_points is None,
        activations=None,
        modules=0,
    )


def _described(method: str, weights: list[tuple[ScaledTensor, QuantisedWeights]]) -> Quantisation:
    ways = Counter(way for _, way in weights)
    return Quantisation(
        method=method,
        weights=tuple(replace(way, modules=count) for way, count in ways.items()),
        stored_bytes=sum(tensor.stored_bytes for tensor, _ in weights),
        dequantised_bytes=sum(tensor.nbytes for tensor, _ in weights),
    )
