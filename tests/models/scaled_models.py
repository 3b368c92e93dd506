"""Tiny checkpoints as FP8 of transformers and torchao store them, written by hand: each number and scale is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.models import tiny_models
from tests.models.quantised_models import WEIGHTS

Store = Callable[[str, Tensor], tuple[dict[str, Tensor], dict[str, Any] | None]]  # of a weight: its tensors, metadata


def spread(grid: Tensor, block: tuple[int, int], like: Tensor) -> Tensor:
    """Each value over its block, cut to the shape of `like`; float64."""
    return torch.kron(grid.double(), torch.ones(block, dtype=torch.float64))[: like.shape[0], : like.shape[1]]


def largest(weight: Tensor, block: tuple[int, int]) -> Tensor:
    """The largest absolute value of each block."""
    rows, columns = (range(0, size, part) for size, part in zip(weight.shape, block, strict=True))
    parts = [[weight[r : r + block[0], c : c + block[1]].abs().max() for c in columns] for r in rows]
    return torch.tensor(parts)


def fp8(block: tuple[int, int] | None) -> Store:
    """8 bit floats with a scale for each block, or for the whole weight."""

    def store(name: str, weight: Tensor) -> tuple[dict[str, Tensor], None]:
        size = block or (weight.shape[0], weight.shape[1])
        scale = largest(weight, size) / 448
        numbers = (weight / spread(scale, size, weight)).to(torch.float8_e4m3fn)
        return {name: numbers, f"{name}_scale_inv": scale if block else scale.reshape(())}, None

    return store


def torchao(kind: str, group: int | None, most: int, offset: int) -> Store:
    """Whole numbers from `offset` - `most` on with a scale and a zero point for each row or group."""

    def store(name: str, weight: Tensor) -> tuple[dict[str, Tensor], dict[str, Any]]:
        block = (1, group or weight.shape[1])
        scale = (largest(weight, block) / most).bfloat16()
        numbers = (weight / spread(scale, block, weight)).round().clamp(-most, most) + offset
        prefix = name.removesuffix("weight") + "_weight_"
        zero = torch.full_like(scale, offset).to(torch.int8)
        fields: dict[str, Any] = {"block_size": list(block), "act_quant_kwargs": None}
        if kind.startswith("Intx"):
            fields["target_dtype"] = {"_type": "torch.dtype", "_data": "int4"}
        parts = {"qdata": numbers.to(torch.int8), "scale": scale, "zero_point": zero}
        return {prefix + part: each for part, each in parts.items()}, {"_type": kind, "_data": fields}

    return store


BLOCK = (16, 20)  # divides no size of the model
FP8 = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": None}
TORCHAO = {"quant_method": "torchao", "quant_type": {}}
KINDS: dict[str, tuple[Store, dict[str, Any]]] = {
    "fp8 in blocks": (fp8(BLOCK), FP8 | {"weight_block_size": list(BLOCK)}),
    "fp8 whole": (fp8(None), FP8),
    "torchao int8": (torchao("Int8Tensor", None, 127, 0), TORCHAO),
    "torchao int4": (torchao("IntxUnpackedToInt8Tensor", 16, 7, 1), TORCHAO),
}


def scaled(folder: Path, kind: str, base: Path | None = None) -> Path:
    """A tiny Llama, a copy of `base` if given, whose projections are stored in a kind, computing in bfloat16."""
    store, section = KINDS[kind]
    tiny_models.llama_or_copy(folder, base)
    made: dict[str, Tensor] = {}
    described: dict[str, Any] = {}
    for name, tensor in load_file(folder / WEIGHTS).items():
        parts, about = store(name, tensor.float()) if name.endswith("proj.weight") else ({name: tensor}, None)
        made |= {part: each.contiguous() for part, each in parts.items()}
        described[name] = about or {"_type": "Tensor"}
    metadata = {"format": "pt"}
    if section is TORCHAO:
        metadata |= {name: json.dumps(about) for name, about in described.items()}
        metadata["tensor_names"] = json.dumps(list(described))
    save_file(made, folder / WEIGHTS, metadata)
    config = json.loads((folder / "config.json").read_text())
    config |= {"dtype": "bfloat16", "quantization_config": section}
    (folder / "config.json").write_text(json.dumps(config))
    return folder
