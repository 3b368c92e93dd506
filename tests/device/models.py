"""The models of the examination, as folders that transformers loads: carried, or made where they are needed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.device.part import Context, Skipped

TINY_FOR_A_CPU = ("vit", "bert-mask", "llama")


def tiny_names(context: Context) -> tuple[str, ...]:
    from tests.models.tiny_models import MAKERS

    return TINY_FOR_A_CPU if context.small else tuple(MAKERS)


def tiny_model(name: str, folder: Path) -> Path:
    """The tiny model of a row of the task table, written to `folder` with the same weights everywhere."""
    import torch

    from tests.models.tiny_models import MAKERS

    torch.manual_seed(0)
    return MAKERS[name][0](folder)


def tiny(context: Context, name: str) -> Path:
    """Made here; where this transformers cannot, the carried one."""
    carried = context.carried / "models" / "tiny" / name
    try:
        return made_once(context.shared / "tiny" / name, lambda folder: tiny_model(name, folder))
    except (AttributeError, ImportError, TypeError, ValueError):
        if carried.is_dir():
            return carried
        raise


def large(context: Context, name: str) -> Path:
    """A model of real size by its name in `LARGE`; on a CPU a tiny one of the same architecture."""
    if context.small:
        return tiny(context, LARGE[name][1])
    return LARGE[name][0](context)


def minilm(context: Context) -> Path:
    carried = context.carried / "models" / "minilm"
    if not carried.is_dir():
        raise Skipped(f"{carried} is not there: python -m tests.device prepare makes it")
    return carried


def vit_b16(context: Context) -> Path:
    from tests.real_models import store

    return store.model("vit-b16")


def resnet50(context: Context) -> Path:
    return made_once(context.shared / "resnet50", _resnet50)


def _resnet50(folder: Path) -> None:
    """ResNet-50 with random weights and running statistics that fit them, as training leaves them."""
    import torch
    import transformers as tf

    from tests.models.tiny_models import image_processor

    torch.manual_seed(0)
    model = tf.ResNetForImageClassification(tf.ResNetConfig(num_labels=1000)).train()
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.momentum = None  # the mean of all batches
            norm.weight.add_(0.1 * torch.randn_like(norm.weight))
            norm.bias.add_(0.1 * torch.randn_like(norm.bias))
        for _ in range(2):
            model(pixel_values=torch.randn(4, 3, 224, 224))
    model.eval().save_pretrained(folder)
    image_processor(size={"height": 224, "width": 224})(folder)


def language_model(context: Context) -> Path:
    """A LLaMA of 1.04 billion parameters in bfloat16 with random weights, made on the device for speed."""
    return made_once(context.shared / "llama-1b", lambda folder: _language_model(folder, context.device))


def _language_model(folder: Path, device: str) -> None:
    import torch
    import transformers as tf

    from npu_adapt.devices.selection import open_device
    from tests.models.tiny_models import word_tokenizer

    config = tf.LlamaConfig(
        hidden_size=2048, intermediate_size=8192, num_hidden_layers=16, num_attention_heads=32, num_key_value_heads=8,
        vocab_size=32000, tie_word_embeddings=True, max_position_embeddings=4096, dtype="bfloat16",
    )  # fmt: skip
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(open_device(device, allow_cpu=True).device.torch_device):
            model = tf.LlamaForCausalLM(config)
            with torch.no_grad():
                for parameter in model.parameters():
                    if parameter.dim() == 1:
                        parameter.add_(0.02 * torch.randn_like(parameter))
    finally:
        torch.set_default_dtype(torch.float32)
    model.eval().to("cpu").save_pretrained(folder)
    word_tokenizer(folder)


# name -> (of real size, a tiny one instead)
LARGE: dict[str, tuple[Callable[[Context], Path], str]] = {
    "minilm": (minilm, "bert-base"),
    "vit-b16": (vit_b16, "vit"),
    "resnet50": (resnet50, "vit"),
    "llama-1b": (language_model, "llama"),
}


def made_once(folder: Path, make: Callable[[Path], Any]) -> Path:
    """`folder`, made whole by the first process that asks for it."""
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            partial = folder.with_name(f".{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            make(partial)
            partial.rename(folder)
    return folder
