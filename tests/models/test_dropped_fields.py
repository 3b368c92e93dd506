"""Fields of config.json that the loaded configuration does not carry: named where they matter, and no false alarm."""

from __future__ import annotations

import json

import pytest
import torch
import transformers as tf

from npu_adapt.errors import ModelError
from npu_adapt.models.dropped_fields import dropped_fields, misnamed_fields
from npu_adapt.models.loaded_fields import loaded_value
from npu_adapt.models.rope_fields import rope_differences
from npu_adapt.records import Fact
from tests.models import tiny_models

LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": 32,
    "intermediate_size": 48, "num_attention_heads": 2, "num_hidden_layers": 1, "num_key_value_heads": 1,
    "vocab_size": 60, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "max_position_embeddings": 131072,
    "rope_scaling": {
        "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    },
}  # fmt: skip


def built(folder, fields, auto="AutoModelForCausalLM"):
    """The model of these fields, without weights."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(fields))
    with torch.device("meta"):
        return getattr(tf, auto).from_config(tf.AutoConfig.from_pretrained(folder))


# As their authors published them, layers and vocabulary made small: what these libraries wrote over the years.
PUBLISHED = {
    "llama3": (LLAMA, "AutoModelForCausalLM"),
    "qwen2": (
        {
            "model_type": "qwen2", "hidden_act": "silu", "hidden_size": 64, "intermediate_size": 96,
            "max_position_embeddings": 32768, "max_window_layers": 24, "num_attention_heads": 2,
            "num_hidden_layers": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
            "sliding_window": 32768, "use_mrope": False, "use_sliding_window": False, "vocab_size": 60,
            "torch_dtype": "bfloat16", "transformers_version": "4.40.1",
        },
        "AutoModelForCausalLM",
    ),
    "gemma3": (
        {
            "model_type": "gemma3_text", "head_dim": 16, "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 32,
            "intermediate_size": 48, "num_attention_heads": 2, "num_hidden_layers": 6, "num_key_value_heads": 1,
            "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06, "rope_local_base_freq": 10000, "rope_scaling": None,
            "rope_theta": 1000000, "sliding_window": 512, "sliding_window_pattern": 6, "vocab_size": 60,
        },
        "AutoModelForCausalLM",
    ),
    "gemma3 of version 5": (
        {
            "model_type": "gemma3_text", "head_dim": 16, "hidden_size": 32, "intermediate_size": 48,
            "num_attention_heads": 2, "num_hidden_layers": 6, "num_key_value_heads": 1, "vocab_size": 60,
            "rope_parameters": {
                "full_attention": {"rope_type": "default", "rope_theta": 1000000},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000},
            },
        },
        "AutoModelForCausalLM",
    ),
    "phi": (
        {
            "model_type": "phi", "hidden_act": "gelu_new", "hidden_size": 64, "intermediate_size": 96,
            "num_attention_heads": 2, "num_hidden_layers": 1, "partial_rotary_factor": 0.5, "rope_theta": 10000.0,
            "vocab_size": 60, "layer_norm_eps": 1e-05,
        },
        "AutoModelForCausalLM",
    ),
    "deberta": (
        {
            "model_type": "deberta-v2", "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 2,
            "num_hidden_layers": 1, "relative_attention": True, "position_buckets": 256, "norm_rel_ebd": "layer_norm",
            "share_att_key": True, "pos_att_type": "p2c|c2p", "layer_norm_eps": 1e-7, "type_vocab_size": 0,
            "max_relative_positions": -1, "position_biased_input": False, "vocab_size": 60,
        },
        "AutoModel",
    ),
    "gpt2": (
        {
            "model_type": "gpt2", "activation_function": "gelu_new", "n_ctx": 64, "n_embd": 32, "n_head": 2,
            "n_layer": 1, "n_positions": 64, "layer_norm_epsilon": 1e-05, "summary_type": "cls_index",
            "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}}, "vocab_size": 60,
        },
        "AutoModelForCausalLM",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # DeBERTa's, in 4.57
@pytest.mark.parametrize("name", PUBLISHED)
def test_what_libraries_wrote_over_the_years_is_carried(name, tmp_path):
    fields, auto = PUBLISHED[name]
    module = built(tmp_path / "model", fields, auto)
    assert dropped_fields(fields, module) == misnamed_fields(fields, module) == ()


@pytest.mark.parametrize(
    ("changed", "field", "file", "loaded"),
    [
        ({"rope_theta": 10000.0}, "rope.rope_theta", "10000.0", "500000.0"),
        ({"rope_theta": None, "rope_scaling": None, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}},
         "rope.rope_theta", "10000.0", "500000.0"),
        ({"rope_scaling": LLAMA["rope_scaling"] | {"factor": 8.0}}, "rope.factor", "8.0", "32.0"),
        ({"rms_norm_eps": 1e-3}, "rms_norm_eps", "0.001", "1e-05"),
        ({"hidden_act": "gelu"}, "hidden_act", "gelu", "silu"),
    ],
)  # fmt: skip
def test_a_field_that_changes_numbers_and_no_shape_decides(changed, field, file, loaded, tmp_path):
    module = built(tmp_path / "model", LLAMA)  # as if the reader had dropped what is changed in the file
    (found,) = dropped_fields(LLAMA | changed, module)
    assert (found.field, found.file, found.loaded, found.decides) == (field, file, loaded, True)


def test_other_fields_are_doubts_and_those_that_no_code_reads_are_nothing(tmp_path):
    module = built(tmp_path / "model", LLAMA)
    (found,) = dropped_fields(LLAMA | {"num_key_value_heads": 2, "written_by_somebody": 1}, module)
    assert (found.field, found.decides) == ("num_key_value_heads", False)


@pytest.mark.parametrize(
    ("field", "value", "near"),
    [
        ("norm_epsilon", 1e-3, "rms_norm_eps"),
        ("layer_norm_eps", 1e-3, "rms_norm_eps"),
        ("hidden_activation", "gelu", "hidden_act"),
        ("norm_epsilon", 1e-6, None),  # the default, written twice
        ("hidden_dropout", 0.5, None),
        ("sep_token_id", 7, None),
        ("written_by_somebody", 1, None),
    ],
)
def test_a_field_of_nearly_a_read_ones_name_is_a_doubt(field, value, near, tmp_path):
    fields = {name: given for name, given in LLAMA.items() if name not in ("rms_norm_eps", "hidden_act")}
    module = built(tmp_path / "model", fields)
    assert [each.read for each in misnamed_fields(fields | {field: value}, module)] == ([near] if near else [])


def test_a_misnamed_field_beside_the_one_at_its_default_is_told(tmp_path, load):
    folder = tiny_models.llama(tmp_path / "llama")
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(fields | {"norm_epsilon": 1e-3}))
    values = {"field": "norm_epsilon", "file": "0.001", "near": "rms_norm_eps", "loaded": "1e-06"}
    assert load(folder).weights.doubts == (Fact("field-unread", values),)


class LayerByLayer:
    """As configurations whose layers differ in a field refuse to give it."""

    def __getattr__(self, name):
        raise ValueError("ask each layer")

    def to_dict(self):
        return {"head_dim": 16}


def test_a_field_that_a_configuration_refuses_to_give_is_read_from_what_it_writes():
    assert loaded_value(LayerByLayer(), "head_dim") == 16


@pytest.mark.parametrize(
    ("file", "loaded", "differences"),
    [
        ({"rope_theta": 5e5}, {"rope_parameters": {"full_attention": {"rope_theta": 5e5}, "sliding_attention":
          {"rope_theta": 5e5}}}, []),
        ({"rope_theta": 5e5}, {"rope_parameters": {"full_attention": {"rope_theta": 5e5}, "sliding_attention":
          {"rope_theta": 1e4}}}, ["rope.rope_theta"]),
        ({"rope_parameters": {"full_attention": {"rope_theta": 16e4}, "sliding_attention": {"rope_theta": 1e4}}},
         {"global_rope_theta": 16e4, "local_rope_theta": 1e4}, []),
        ({"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}},
         {"rope_theta": 1e4, "partial_rotary_factor": 0.5}, []),
        ({"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}},
         {"rope_theta": 1e4, "partial_rotary_factor": 0.25}, ["rope.partial_rotary_factor"]),
        ({"rope_parameters": {"rope_theta": 1e4, "rope_type": "axial"}}, {}, []),
        ({"rope_parameters": {"rope_theta": 5e5, "rope_type": "axial"}}, {}, ["rope.rope_theta"]),
    ],
)  # fmt: skip
def test_ropes_as_both_versions_keep_them(file, loaded, differences):
    known = type("Config", (), {"attribute_map": dict.fromkeys(loaded)} | loaded)
    assert [field for field, _, _ in rope_differences(file, known())] == differences


def test_a_dropped_rope_is_an_error_and_another_field_a_doubt(tmp_path, load, monkeypatch):
    folder = tiny_models.llama(tmp_path / "llama")
    read, changes = tf.AutoConfig.from_pretrained.__func__, {}

    def forgetful(cls, *arguments, **options):
        config = read(cls, *arguments, **options)
        for name, value in changes.items():
            setattr(config, name, value)
        return config

    monkeypatch.setattr(tf.AutoConfig, "from_pretrained", classmethod(forgetful))
    changes["rms_norm_eps"] = 0.5
    with pytest.raises(ModelError, match=r"rms_norm_eps 1e-06 is read as 0\.5"):
        load(folder)
    changes.clear()
    changes["attention_dropout"] = 0.5
    loaded = load(folder)
    assert loaded.weights.doubts == (
        Fact("field-dropped", {"field": "attention_dropout", "file": "0.0", "loaded": "0.5"}),
    )
