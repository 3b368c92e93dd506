"""Weights that look like the checkpoint's and are not the model's: an error or a doubt by name, never silence."""

from __future__ import annotations

import json

import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

from npu_adapt.errors import ModelCorrupt, ModelError, NotPretrained
from npu_adapt.models.finite import INFINITE, NAN, fault_in
from npu_adapt.models.untrained import looks_untrained
from npu_adapt.records import Fact
from tests.models import tiny_models

WEIGHTS = "model.safetensors"
DOWN = "model.layers.0.mlp.down_proj"


@pytest.fixture
def llama(tmp_path):
    return tiny_models.llama(tmp_path / "llama")


def edit(folder, change):
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / WEIGHTS, {"format": "pt"})


def edit_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


def quantise(dtype, scale):
    def change(tensors):
        for name in [name for name in tensors if name.endswith("proj.weight")]:
            tensors[name] = (tensors[name] * 16).round().to(dtype)
            if scale:
                tensors[name.replace("weight", scale)] = torch.full((tensors[name].shape[0], 1), 1 / 16)

    return change


@pytest.mark.parametrize("scale", ["weight_scale", "weight_scale_inv", None])
def test_whole_numbers_are_no_weights(scale, llama, load):
    edit(llama, quantise(torch.int8, scale))
    with pytest.raises(NotPretrained, match="stored as int8"):
        load(llama)


@pytest.mark.parametrize("scale", ["weight_scale", "weight_scale_inv"])
def test_8_bit_floats_with_a_scale_beside_them_are_no_weights(scale, llama, load):
    edit(llama, quantise(torch.float8_e4m3fn, scale))
    with pytest.raises(NotPretrained, match=f"scale, shift or replace.*{scale}"):
        load(llama)


def test_8_bit_floats_alone_are_a_doubt(llama, load):
    edit(llama, quantise(torch.float8_e4m3fn, None))
    weights = load(llama).weights
    assert Fact("float8", {"tensors": 14}) in weights.doubts
    assert Fact("cast", {"from": "float8_e4m3fn", "to": "float32", "tensors": 14}) in weights.conversions


@pytest.mark.parametrize(
    "name",
    [
        f"{DOWN}.weight_zero_point",
        f"{DOWN}.weight_offset",
        f"{DOWN}.input_scale",
        f"{DOWN}.scales",
        f"{DOWN}.qweight",
        f"{DOWN}.qzeros",
        f"{DOWN}.g_idx",
        f"{DOWN}.SCB",
        f"{DOWN}.weight.absmax",
        f"{DOWN}.weight.quant_map",
        f"{DOWN}.lora_A.weight",
        f"{DOWN}.lora_B.default.weight",
        f"{DOWN}.bias",
    ],
)
def test_what_scales_shifts_or_replaces_a_used_weight_is_an_error(name, llama, load):
    edit(llama, lambda tensors: tensors.update({name: torch.ones(32)}))
    with pytest.raises(NotPretrained, match="the model does not read them") as refused:
        load(llama)
    assert name in refused.value.message


def test_a_bias_of_zeros_shifts_nothing(llama, load):
    edit(llama, lambda tensors: tensors.update({f"{DOWN}.bias": torch.zeros(32)}))
    weights = load(llama).weights
    assert weights.doubts == () and weights.unexpected_keys == (f"{DOWN}.bias",)


def test_something_else_beside_a_used_weight_is_a_doubt(llama, load):
    name = f"{DOWN}.sensitivity"
    edit(llama, lambda tensors: tensors.update({name: torch.ones(32)}))
    assert load(llama).weights.doubts == (Fact("attached-unused", {"names": (name,), "tensors": 1}),)


def test_packed_weights_in_the_place_of_used_ones_are_called_that(llama, load):
    def pack(tensors):
        weight = tensors.pop(f"{DOWN}.weight")
        tensors[f"{DOWN}.weight_packed"] = torch.ones(weight.shape[0], weight.shape[1] // 8, dtype=torch.int32)

    edit(llama, pack)
    with pytest.raises(NotPretrained, match=f"scale, shift or replace.*{DOWN}.weight_packed"):
        load(llama)


def test_a_matrix_in_a_used_layer_that_no_code_reads_is_a_doubt(tmp_path, load):
    """Relative positions of BERT, which transformers 5 does not compute."""
    folder = tiny_models.bert(tmp_path / "bert", "BertForSequenceClassification")
    name = "bert.encoder.layer.0.attention.self.relative.weight"
    edit(folder, lambda tensors: tensors.update({name: torch.ones(127, 16)}))
    assert load(folder).weights.doubts == (Fact("attached-unused", {"names": (name,), "tensors": 1}),)


def test_layers_that_the_configuration_does_not_build_are_a_doubt(llama, load):
    edit_config(llama, num_hidden_layers=1)
    assert load(llama).weights.doubts == (Fact("layers-unused", {"layers": ("model.layers.1",), "tensors": 9}),)


def test_an_adapter_beside_full_weights_is_a_doubt(llama, load):
    save_file({"base.lora_A.weight": torch.ones(2, 2)}, llama / "adapter_model.safetensors")
    (llama / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base"}))
    assert load(llama).weights.doubts == (
        Fact("adapter-unused", {"files": ("adapter_config.json", "adapter_model.safetensors")}),
    )


def test_nan_in_a_weight_file_is_named(llama, load):
    edit(llama, lambda tensors: tensors[f"{DOWN}.weight"][3, 5:6].fill_(float("nan")))
    with pytest.raises(ModelCorrupt, match=f"{WEIGHTS} holds NaN in {DOWN}.weight$"):
        load(llama)


@pytest.mark.parametrize("value", [float("inf"), -float("inf")])
def test_an_infinite_weight_in_a_file_is_named(value, llama, load):
    edit(llama, lambda tensors: tensors[f"{DOWN}.weight"][3, 5:6].fill_(value))
    with pytest.raises(ModelCorrupt, match=f"{WEIGHTS} holds infinite values in {DOWN}.weight$"):
        load(llama)


@pytest.mark.parametrize(("dtype", "value"), [("float16", 1e6), ("bfloat16", 3.4e38)])
def test_a_weight_that_the_asked_type_cannot_hold_is_named(dtype, value, llama, load):
    edit(llama, lambda tensors: tensors[f"{DOWN}.weight"][3, 5:6].fill_(value))
    assert load(llama).weights.doubts == ()
    with pytest.raises(ModelCorrupt, match=f"{WEIGHTS} holds values beyond .* in {DOWN}.weight$") as refused:
        load(llama, dtype=dtype)
    assert "--dtype" in refused.value.hint


def test_a_mask_of_minus_infinity_is_no_damage():
    mask = torch.full((2, 2), -float("inf"))
    assert fault_in(mask, is_parameter=False) is None
    assert fault_in(mask, is_parameter=True) == fault_in(-mask, is_parameter=False) == INFINITE
    assert fault_in(torch.tensor([float("nan"), 1]).to(torch.float8_e4m3fn), is_parameter=True) == NAN


def test_nan_in_a_tensor_that_is_not_used_is_nobodys_business(tmp_path, load):
    folder = tiny_models.vit(tmp_path / "vit")
    edit(folder, lambda tensors: tensors["classifier.bias"].fill_(float("nan")))
    assert load(folder, "image-feature-extraction").weights.pretrained_used


@pytest.mark.parametrize(
    ("section", "method"),
    [
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"load_in_4bit": True}, "load_in_4bit"),
        ({"bits": 4}, "unnamed"),
    ],
)
def test_a_quantised_configuration_is_refused_by_its_method(section, method, llama, load):
    edit_config(llama, quantization_config=section)
    with pytest.raises(ModelError, match=rf"quantised \({method}\)") as refused:
        load(llama)
    assert "float16" in refused.value.hint


def wav2vec2_config():
    return tf.Wav2Vec2Config(
        **tiny_models.WIDTH, vocab_size=31, conv_dim=[16, 16], conv_kernel=[10, 3], conv_stride=[80, 4],
        num_feat_extract_layers=2, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, pad_token_id=0,
    )  # fmt: skip


TEXT = {"vocab_size": 60}
RANDOM = {
    "bert": lambda: tf.BertModel(tf.BertConfig(**tiny_models.WIDTH, **TEXT)),
    "gemma2": lambda: tf.Gemma2ForCausalLM(
        tf.Gemma2Config(**tiny_models.WIDTH, **TEXT, num_key_value_heads=1, head_dim=16)
    ),
    "gpt2": lambda: tf.GPT2LMHeadModel(tf.GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=64, **TEXT)),
    "mamba": lambda: tf.MambaForCausalLM(tf.MambaConfig(hidden_size=32, num_hidden_layers=2, state_size=4, **TEXT)),
    "resnet": lambda: tf.ResNetForImageClassification(
        tf.ResNetConfig(embedding_size=8, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic")
    ),
    "rwkv": lambda: tf.RwkvForCausalLM(
        tf.RwkvConfig(hidden_size=32, num_hidden_layers=2, attention_hidden_size=32, context_length=64, **TEXT)
    ),
    "siglip": lambda: tf.SiglipModel(
        tf.SiglipConfig(
            text_config={**tiny_models.WIDTH, **TEXT}, vision_config={**tiny_models.WIDTH, **tiny_models.PICTURE}
        )
    ),
    "wav2vec2": lambda: tf.Wav2Vec2ForCTC(wav2vec2_config()),
}


@pytest.mark.parametrize("kind", RANDOM)
def test_random_weights_look_untrained(kind):
    torch.manual_seed(0)
    assert [fact.id for fact in looks_untrained(RANDOM[kind]())] == ["untrained"]


@pytest.mark.parametrize("kind", RANDOM)
def test_weights_whose_norms_have_moved_do_not(kind):
    assert looks_untrained(tiny_models.shaken(RANDOM[kind]())) == ()


def test_trained_weights_with_their_norms_folded_away_do_not(digits, load):
    module = load(digits).module
    for name, parameter in module.named_parameters():
        if "layernorm" in name:
            parameter.data.fill_(1.0 if name.endswith("weight") else 0.0)
    assert looks_untrained(module) == ()


def test_untrained_weights_are_not_pretrained(tmp_path, load):
    tf.ViTForImageClassification(tf.ViTConfig(**tiny_models.WIDTH, **tiny_models.PICTURE)).save_pretrained(tmp_path)
    tiny_models.image_processor()(tmp_path)
    weights = load(tmp_path).weights
    assert [doubt.id for doubt in weights.doubts] == ["untrained"]
    assert not weights.pretrained_used and weights.local_weight_used
