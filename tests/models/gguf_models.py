"""A tiny checkpoint in a GGUF file, written by the format's own package: each stored tensor is known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, quants
from safetensors.torch import load_file

from tests.models import tiny_models

HEADS, WIDTH = {"attn_q": 2, "attn_k": 1}, 16  # as `tiny_models.llama` has them
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def order(name: str, rows: int) -> torch.Tensor:
    """Where llama.cpp takes each row from: it lays the halves of a rotated head side by side."""
    rows_of = torch.arange(rows)
    if name not in HEADS:
        return rows_of
    return rows_of.reshape(HEADS[name], 2, WIDTH // 2).transpose(1, 2).reshape(-1)


def stored_as(name: str, kind: GGMLQuantizationType, columns: int) -> GGMLQuantizationType:
    """Norms, embeddings and rows that blocks of 32 do not fill stay float32."""
    plain = "norm" in name or not name.startswith(("attn", "ffn")) or columns % 32
    return GGMLQuantizationType.F32 if plain else kind


def in_gguf(folder: Path, kind: str, base: Path | None = None, heads: int = 2) -> tuple[Path, dict[str, torch.Tensor]]:
    """A tiny Llama whose weights are in a GGUF file of that type, and what its tensors stand for, by name.

    `heads` is what the file says.
    """
    if base is None:
        tiny_models.llama(folder)
    else:
        shutil.copytree(base, folder)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    writer = GGUFWriter(str(folder / f"tiny-{kind}.gguf"), "llama")
    writer.add_name("tiny")
    for add, size in (
        (writer.add_head_count, heads), (writer.add_head_count_kv, 1), (writer.add_block_count, 2),
        (writer.add_embedding_length, 32), (writer.add_feed_forward_length, 48),
    ):  # fmt: skip
        add(size)
    exact: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        *_, number, part = ("", "", *name.removesuffix(".weight").removeprefix("model.layers.").split(".", 1))
        short = NAMES.get(part, "")
        plain = {"model.embed_tokens": "token_embd", "model.norm": "output_norm"}.get(name.removesuffix(".weight"))
        rows = order(short, tensor.shape[0])
        of_type = stored_as(short, GGMLQuantizationType[kind], tensor.shape[-1])
        laid = quants.quantize(np.ascontiguousarray(tensor.float()[rows].numpy()), of_type)
        writer.add_tensor(f"{plain or f'blk.{number}.{short}'}.weight", laid, raw_dtype=of_type)
        exact[name] = torch.from_numpy(gguf.dequantize(laid, of_type))[rows.argsort()]
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}))
    return folder, exact
