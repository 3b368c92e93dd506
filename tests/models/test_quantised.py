"""Quantised checkpoints: proven as they are stored, computed with as what they stand for, and refused by name."""

from __future__ import annotations

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from npu_adapt.errors import ModelError, NotPretrained
from npu_adapt.models.quantised import methods
from npu_adapt.models.quantised.compressed import parts_of
from tests.models import tiny_models
from tests.models.quantised_models import KINDS, WEIGHTS, quantised

pytestmark = pytest.mark.skipif(
    int(transformers.__version__.split(".")[0]) < methods.OLDEST_TRANSFORMERS,
    reason="quantised checkpoints need transformers 5",
)
DOWN = "model.layers.1.mlp.down_proj"


def exact(tensors, kind):
    """What the stored numbers of a layer stand for, in float64."""
    if kind == "int4":
        packed = tensors[f"{DOWN}.weight_packed"].long() & 0xFFFFFFFF
        numbers = ((packed[..., None] >> (4 * torch.arange(8))) & 15) - 8
        numbers = numbers.reshape(32, 3, 16)
        return (numbers * tensors[f"{DOWN}.weight_scale"].double()[..., None]).reshape(32, 48)
    return tensors[f"{DOWN}.weight"].double() * tensors[f"{DOWN}.weight_scale"].double()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["auto", "bfloat16"])
def test_the_reference_has_the_stored_numbers_times_their_scales(kind, dtype, tmp_path, load):
    folder = quantised(tmp_path / "llama", kind)
    stored = load_file(folder / WEIGHTS)
    loaded = load(folder, dtype=dtype)
    own = dict(parts_of(loaded.module))[DOWN].weight
    if dtype == "auto":
        assert torch.equal(own, exact(stored, kind).float())
        held = {
            f"{DOWN}.{name}": tensor
            for name, tensor in dict(parts_of(loaded.quantised.module))[DOWN].state_dict().items()
        }
        assert all(torch.equal(held[name].float(), stored[name].float()) for name in stored if name.startswith(DOWN))
    else:  # scales are rounded first: transformers loads them in the run's type
        assert own.dtype == torch.bfloat16
        assert torch.allclose(own.double(), exact(stored, kind), rtol=2**-7, atol=0)
    assert loaded.weights.pretrained_used
    assert not loaded.weights.doubts
    (group,) = loaded.weights.quantisation.weights
    assert (group.modules, group.bits, group.activations is None) == (
        14,
        4 if kind == "int4" else 8,
        "inputs" not in kind,
    )
    assert torch.equal(dict(parts_of(loaded.quantised.on(torch.device("cpu"))))[DOWN].weight, own)


def test_embeddings_are_shared_by_both_modules(tmp_path, load):
    loaded = load(quantised(tmp_path / "llama", "int8"))
    one, other = (each.get_input_embeddings().weight for each in (loaded.module, loaded.quantised.module))
    assert one.data_ptr() == other.data_ptr()


def test_a_scale_that_is_missing_is_named(tmp_path, load):
    folder = quantised(tmp_path / "llama", "int8")
    tensors = load_file(folder / WEIGHTS)
    del tensors[f"{DOWN}.weight_scale"]
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    with pytest.raises(NotPretrained, match=f"not in the checkpoint.*{DOWN}.weight_scale"):
        load(folder)


def test_a_layer_that_the_scheme_leaves_out_is_no_weight_in_8_bits(tmp_path, load):
    folder = quantised(tmp_path / "llama", "float8 with inputs")
    edit(folder, ignore=["lm_head", DOWN])
    with pytest.raises(NotPretrained, match=f"scale, shift or replace.*{DOWN}.weight_scale"):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"config_groups": {}}, "describes no weight"),
        ({"config_groups": {"group_0": {"targets": ["Conv2d"]}}}, "describes no weight"),
        ({"transform_config": {"config_groups": {"u": {}}}}, "transform_config"),
        ({"config_groups": {"group_0": {"targets": 3}}}, "configuration|built"),
    ],
)
def test_a_configuration_that_does_not_describe_the_files_is_refused(changes, said, tmp_path, load):
    folder = tiny_models.llama(tmp_path / "llama")
    section = {"quant_method": "compressed-tensors", "quantization_status": "compressed", "format": "int-quantized"}
    (folder / "config.json").write_text(
        json.dumps(json.loads((folder / "config.json").read_text()) | {"quantization_config": section | changes})
    )
    with pytest.raises(ModelError, match=said):
        load(folder)


@pytest.mark.parametrize(
    ("method", "needed"),
    [("gptq", "gptqmodel"), ("awq", "gptqmodel"), ("torchao", "torchao"), ("fp8", "float8 kernels")],
)
def test_what_is_not_judged_is_refused_with_what_it_needs(method, needed, tmp_path, load):
    folder = tiny_models.llama(tmp_path / "llama")
    config = json.loads((folder / "config.json").read_text()) | {"quantization_config": {"quant_method": method}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=rf"quantised \({method}\)") as refused:
        load(folder)
    assert needed in refused.value.hint
    assert "float16" in refused.value.hint


def test_without_the_package_it_is_named(tmp_path, load, monkeypatch):
    folder = quantised(tmp_path / "llama", "int8")
    monkeypatch.setattr(methods, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="compressed-tensors is not installed") as refused:
        load(folder)
    assert refused.value.hint == "pip install 'npu-adapt[quantised]'"


def edit(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] |= changes
    (folder / "config.json").write_text(json.dumps(config))
