"""The benchmark's own workflow, on a fixed sample of model types: each judged, none wrong."""

from __future__ import annotations

import pytest

from npu_adapt.devices.hiding import unopened_extensions_hidden
from tests.benchmarks.reach.relations import related
from tests.benchmarks.reach.rope import roped
from tests.benchmarks.reach.shrinking import WAYS, Way, shrunk

TINY = WAYS[0]


def test_one_layer_of_each_kind_stays():
    fields = {"num_hidden_layers": 6, "layer_types": ["linear"] * 5 + ["full"]}
    found = shrunk(fields, TINY)
    assert found == {"num_hidden_layers": 2, "layer_types": ["linear", "full"]}


def test_nested_configurations_are_shrunk_and_equal_widths_stay_equal():
    fields = {"projection_dim": 512, "text_config": {"hidden_size": 512, "vocab_size": 50000}}
    found = shrunk(fields, TINY)
    assert found["projection_dim"] == found["text_config"]["hidden_size"] == 64
    assert found["text_config"]["vocab_size"] == 160


def test_grouped_heads_stay_fewer_and_divide_the_width():
    fields = {"hidden_size": 4096, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128}
    found = shrunk(fields, TINY)
    assert found == {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}


def test_pictures_are_whole_patches_by_four():
    assert shrunk({"image_size": 224, "patch_size": 14}, TINY)["image_size"] == 112
    assert shrunk({"image_size": 224, "patch_size": 14}, WAYS[1])["image_size"] == 224


def test_dividing_keeps_what_is_a_multiple_of_what():
    fields = {"hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32}
    assert shrunk(fields, Way("divided", divisor=8)) == {
        "hidden_size": 512, "intermediate_size": 1376, "num_attention_heads": 32,
    }  # fmt: skip


def test_widths_that_belong_together_stay_together():
    fields = {"vision_output_dim": 64, "intermediate_layers_indices": [0, 1, 1, 1], "hidden_size": 64}
    assert related({"vision_config": fields})["vision_config"]["vision_output_dim"] == 5 * 64
    assert (
        related({"quantization_dim": 64, "quantization_levels": [4] * 8, "hidden_size": 64})["quantization_dim"] == 128
    )
    adapter = {"adapter_config": {"vision_feature_layer": [24, 18]}, "vision_config": {"num_hidden_layers": 5}}
    assert related(adapter)["adapter_config"] == {"vision_feature_layer": [4, 3]}


def test_what_a_default_leaves_open_is_filled():
    assert related({"num_key_value_heads": None, "num_attention_heads": 4})["num_key_value_heads"] == 4
    assert related({"num_key_value_heads": None}) == {"num_key_value_heads": None}


def test_a_rotary_embedding_has_what_its_code_reads():
    fields = {"hidden_size": 64, "num_attention_heads": 4, "rope_parameters": {}, "layer_types": ["a", "b"]}
    by_kind = roped(fields, lambda _: "self.config.rope_parameters[layer_type]")
    assert by_kind["rope_parameters"].keys() == {"a", "b"}
    axes = roped(fields, lambda _: 'config.rope_parameters.get("mrope_section")')
    assert sum(axes["rope_parameters"]["mrope_section"]) == 16 // 2


SAMPLE = (
    "afmoe", "albert", "bart", "bert", "blip", "bloom", "clip_text_model", "cohere", "data2vec-vision", "deepseek_v3",
    "distilbert", "ernie", "fnet", "gemma2", "glm", "gpt2", "gpt_neox", "granitemoehybrid", "ibert", "jetmoe", "llama",
    "llava", "flint", "mistral", "mpt", "olmo3", "phi", "pvt", "qwen2", "qwen2_vl", "qwen3_next", "qwen3_vl",
    "roberta", "sarvam_moe", "siglip_vision_model", "squeezebert", "t5", "trocr", "vit", "xlnet",
)  # fmt: skip


@pytest.fixture(scope="module")
def outcomes():
    with unopened_extensions_hidden():
        from tests.benchmarks.reach.heads import heads
        from tests.benchmarks.reach.judging import quick, reach

        known = {head.model_type: head for head in heads()}
    with pytest.MonkeyPatch.context() as patch:
        quick(patch.setattr)
        return {name: reach(known[name]) for name in SAMPLE if name in known}


def test_the_sample_is_judged(outcomes):
    assert len(SAMPLE) == 40
    assert {name: (each.verdict, each.why) for name, each in outcomes.items() if each.verdict != "judged"} == {}
