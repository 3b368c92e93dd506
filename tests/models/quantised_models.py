"""Tiny checkpoints of compressed-tensors, written by hand: each stored number and scale is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.models import tiny_models

WEIGHTS = "model.safetensors"
GROUP = 16
Store = Callable[[Tensor], dict[str, Tensor]]  # of a weight: its tensors by the end of their names


def int8(weight: Tensor) -> dict[str, Tensor]:
    """Rows of whole numbers up to 127 with a scale each."""
    scale = weight.abs().amax(1, keepdim=True) / 127
    return {"weight": (weight / scale).round().to(torch.int8), "weight_scale": scale}


def float8(weight: Tensor) -> dict[str, Tensor]:
    """Rows of 8 bit floats up to 448 with a scale each."""
    scale = weight.abs().amax(1, keepdim=True) / 448
    return {"weight": (weight / scale).to(torch.float8_e4m3fn), "weight_scale": scale}


def int4(weight: Tensor) -> dict[str, Tensor]:
    """Groups of 16 with a scale each: whole numbers from -8 to 7, as 0 to 15, eight of them in a word of 32 bits."""
    groups = weight.reshape(weight.shape[0], -1, GROUP)
    scale = groups.abs().amax(2) / 7
    numbers = (groups / scale[..., None]).round().reshape(weight.shape[0], -1, 8).long() + 8
    words = (numbers << (4 * torch.arange(8))).sum(-1)
    packed = words.where(words < 1 << 31, words - (1 << 32)).to(torch.int32)
    return {"weight_packed": packed, "weight_scale": scale, "weight_shape": torch.tensor(weight.shape)}


def scheme(bits: int, kind: str, strategy: str, form: str, *, inputs: bool = False) -> dict[str, Any]:
    """A group of the configuration."""
    weights = {"num_bits": bits, "type": kind, "strategy": strategy, "symmetric": True, "dynamic": False}
    weights |= {"group_size": GROUP} if strategy == "group" else {}
    activations = {"num_bits": bits, "type": kind, "strategy": "token", "symmetric": True, "dynamic": True}
    return {
        "targets": ["Linear"],
        "weights": weights,
        "input_activations": activations if inputs else None,
        "format": form,
    }


KINDS: dict[str, tuple[Store, dict[str, Any]]] = {
    "int8": (int8, scheme(8, "int", "channel", "int-quantized")),
    "int8 with inputs": (int8, scheme(8, "int", "channel", "int-quantized", inputs=True)),
    "float8 with inputs": (float8, scheme(8, "float", "channel", "float-quantized", inputs=True)),
    "int4": (int4, scheme(4, "int", "group", "pack-quantized")),
}


def quantised(folder: Path, kind: str, base: Path | None = None) -> Path:
    """A tiny Llama, a copy of `base` if given, whose linear layers, but for the head, are stored in a kind."""
    store, group = KINDS[kind]
    tiny_models.llama_or_copy(folder, base)
    tensors = load_file(folder / WEIGHTS)
    made: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.endswith("proj.weight"):
            prefix = name.removesuffix("weight")
            made |= {prefix + end: each.contiguous() for end, each in store(tensor.float()).items()}
        else:
            made[name] = tensor
    save_file(made, folder / WEIGHTS, {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {
        "quant_method": "compressed-tensors",
        "format": group["format"],
        "quantization_status": "compressed",
        "config_groups": {"group_0": group},
        "ignore": ["lm_head"],
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder
