"""The benchmark's own workflow, on a fixed sample of model types: each judged, none wrong."""

from __future__ import annotations

import pytest

from npu_adapt.devices.hiding import unopened_extensions_hidden
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
