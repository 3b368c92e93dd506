"""FP8 of transformers and torchao's weight-only formats: computed with as what the stored numbers stand for."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from npu_adapt.errors import ModelCorrupt, ModelError, NotPretrained
from tests.models.quantised_models import WEIGHTS
from tests.models.scaled_models import BLOCK, KINDS, scaled, spread

DOWN = "model.layers.1.mlp.down_proj"
WAYS = {  # of storing: bits, type, strategy, size of a group, symmetric
    "fp8 in blocks": (8, "float", "block", BLOCK[1], True),
    "fp8 whole": (8, "float", "tensor", None, True),
    "torchao int8": (8, "int", "channel", None, False),
    "torchao int4": (4, "int", "group", 16, False),
}


def exact(tensors, kind):
    """What the stored numbers of a layer stand for, in float64."""
    if kind.startswith("fp8"):
        numbers, scale = tensors[f"{DOWN}.weight"].double(), tensors[f"{DOWN}.weight_scale_inv"]
        return numbers * (scale.double() if kind == "fp8 whole" else spread(scale, BLOCK, numbers))
    numbers, scale, zero = (tensors[f"{DOWN}._weight_{part}"] for part in ("qdata", "scale", "zero_point"))
    block = (1, numbers.shape[1] // scale.shape[1])
    return (numbers.double() - spread(zero, block, numbers)) * spread(scale, block, numbers)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["auto", "float32"])
def test_the_model_has_the_stored_numbers_times_their_scales(kind, dtype, tmp_path, load):
    folder = scaled(tmp_path / "llama", kind)
    loaded = load(folder, dtype=dtype)
    expected = exact(load_file(folder / WEIGHTS), kind)
    own = loaded.module.get_parameter(f"{DOWN}.weight")
    assert own.dtype == (torch.bfloat16 if dtype == "auto" else torch.float32)
    assert torch.equal(own, expected.to(own.dtype))
    assert loaded.weights.pretrained_used
    assert loaded.weights.doubts == () == loaded.weights.unexpected_keys
    stored = loaded.weights.quantisation
    (way,) = stored.weights
    assert (way.bits, way.type, way.strategy, way.group_size, way.symmetric) == WAYS[kind]
    assert (way.modules, stored.method) == (14, kind.split()[0])
    assert stored.stored_bytes < stored.dequantised_bytes


def edit(folder, change, metadata=None):
    """Changes the tensors; `metadata` those of the file, else they stay."""
    with safe_open(folder / WEIGHTS, "pt") as opened:
        kept = opened.metadata()
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, kept | (metadata or {}))


def described(kind, **fields):
    return {f"{DOWN}.weight": json.dumps({"_type": kind, "_data": {"block_size": [1, 48], **fields}})}


@pytest.mark.parametrize(
    ("kind", "change", "metadata", "error", "said"),
    [
        ("fp8 in blocks", lambda t: t.pop(f"{DOWN}.weight_scale_inv"), None, ModelError, rf"without .*{DOWN}.weight"),
        ("torchao int8", lambda t: t.pop(f"{DOWN}._weight_scale"), None, ModelError, rf"without .*{DOWN}.weight"),
        (
            "fp8 in blocks",
            lambda t: t.update({f"{DOWN}.weight_scale_inv": torch.ones(2, 2)}),
            None,
            ModelCorrupt,
            rf"scales of {DOWN}.weight are not one for each block of \[16, 20\] of its \[32, 48\]",
        ),
        ("fp8 whole", lambda t: t.update({f"{DOWN}.activation_scale": torch.ones(1)}), None, NotPretrained, "scale"),
        ("torchao int8", lambda t: None, described("Int4Tensor"), ModelError, r"\(torchao, Int4Tensor\)"),
        (
            "torchao int8",
            lambda t: None,
            described("Int8Tensor", act_quant_kwargs={"_type": "QuantizeTensorToInt8Kwargs"}),
            ModelError,
            r"\(torchao, Int8Tensor, act_quant_kwargs\)",
        ),
        ("torchao int8", lambda t: None, {"tensor_names": "no list"}, ModelError, r"\(torchao\)"),
        ("torchao int8", lambda t: None, described("Int8Tensor", block_size=[0, "x"]), ModelCorrupt, "one for each"),
    ],
)
def test_what_is_not_stored_as_it_says_is_refused(kind, change, metadata, error, said, tmp_path, load):
    folder = scaled(tmp_path / "llama", kind)
    edit(folder, change, metadata)
    with pytest.raises(error, match=said) as refused:
        load(folder)
    assert refused.value.hint


@pytest.mark.parametrize("changes", [{"activation_scheme": "static"}, {"quant_method": "mxfp4"}])
def test_a_scheme_that_cannot_be_judged_is_refused_by_its_name(changes, tmp_path, load):
    folder = scaled(tmp_path / "llama", "fp8 whole")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] |= changes
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=rf"quantised \(.*{next(iter(changes.values()))}\)"):
        load(folder)
