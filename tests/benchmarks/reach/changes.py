"""What a relation makes of the fields of a configuration: the changes, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from tests.benchmarks.reach.left_open import WINDOW

Fields: TypeAlias = dict[str, Any]
CHANNELS, FILTERS, CODES, LETTERS = 8, 4, 32, "ABCDEFGHIJ"


def has(fields: Mapping[str, Any], path: str) -> bool:
    """Whether the field at "part.name" is there and not left open."""
    for name in path.split("."):
        if not isinstance(fields, Mapping) or fields.get(name) is None:
            return False
        fields = fields[name]
    return True


def changed(fields: Fields, part: str, **changes: Any) -> Fields:
    """The change of a nested configuration."""
    return {part: {**fields[part], **changes}}


def scaled_stem(fields: Fields) -> Fields:
    """EfficientNet's last width, from its scale."""
    return {"hidden_dim": rounded(1280 * fields["width_coefficient"], fields["depth_divisor"])}


def rounded(width: float, divisor: int) -> int:
    return max(divisor, int(width + divisor / 2) // divisor * divisor)


def scaled_projection(fields: Fields) -> Fields:
    """A text beside an EfficientNet without a projection has the width of its last block."""
    vision = fields["vision_config"]
    return {
        "projection_dim": rounded(vision["out_channels"][-1] * vision["width_coefficient"], vision["depth_divisor"])
    }


def patches_to_queries(fields: Fields) -> Fields:
    """How many queries a picture of so many patches has: pictures of the made size too."""
    vision = fields["vision_config"]
    sides = {vision["image_size"] // vision["patch_size"], 2 * (vision["image_size"] // vision["patch_size"])}
    return {"projector_patch_to_query_dict": {str(side * side): 16 for side in sides}}


def recurrent_layers(fields: Fields) -> Fields:
    """Layers before, in and after a loop, two of each, whose kinds take turns with their perceptrons."""
    kinds = [kind for kind in fields["layer_types"] if kind != "mlp"] or ["full_attention"]
    taken = [kinds[number % len(kinds)] for number in range(3)]
    return {
        "num_hidden_layers": 6, "layer_types": [each for kind in taken for each in (kind, "mlp")],
        "n_input_layers": 2, "n_recurrent_layers": 2, "n_output_layers": 2,
    }  # fmt: skip


def layers_of_the_tower(fields: Fields) -> Fields:
    """An adapter reads layers that the shortened tower has."""
    count = fields["vision_config"]["num_hidden_layers"]
    layers = [layer % count for layer in fields["adapter_config"]["vision_feature_layer"]]
    return changed(fields, "adapter_config", vision_feature_layer=layers)


def quarter(fields: Fields) -> Fields:
    return changed(fields, "adaptor_config", intermediate_size=fields["text_config"]["hidden_size"] // 4)


def sum_of_heads(fields: Fields) -> Fields:
    """Where a head is a part with positions and one without, its width is theirs, in each kind of layer."""
    whole = fields["qk_nope_head_dim"] + fields["qk_rope_head_dim"]
    kinds = {kind: head_parts(each) for kind, each in fields["per_layer_config"].items()}
    return {"head_dim": whole, "per_layer_config": kinds}


def head_parts(fields: Any) -> Any:
    parts = [fields.get(f"qk_{part}_head_dim") for part in ("nope", "rope")] if isinstance(fields, Mapping) else [None]
    return fields if None in parts else {**fields, "head_dim": sum(parts)}


def heads_of_the_decoder(fields: Fields) -> Fields:
    return {"num_key_value_heads": fields.get("num_key_value_heads", fields["num_attention_heads"])}


def boxes(fields: Fields) -> Fields:
    """Four coordinates and two sizes of a word's box, one after the other, are as wide as the model."""
    width = fields["hidden_size"]
    return {"coordinate_size": width // 8, "shape_size": width // 4}


def six_parts(fields: Fields) -> Fields:
    """Six parts of a word's box are as wide as the model."""
    return {"hidden_size": fields["hidden_size"] // 6 * 6 if fields["hidden_size"] > 96 else 96}


def clipped_attention(fields: Fields) -> Fields:
    return changed(fields, "attn_config", **{"clip_qkv": 8.0, "rope_theta": 10000.0, **told(fields["attn_config"])})


def told(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}


def shuffled_pixels(fields: Fields) -> Fields:
    """Neighbouring patches put together are as wide as the projector's input, and its output as what is made of it."""
    wide = int(fields["hidden_size"] / fields["pixel_shuffle_ratio"] ** 2)
    return {"intermediate_size": wide, "vision_output_dim": fields["projector_output_dim"]}


def states_beside(fields: Fields) -> Fields:
    """A tower's last state and those of some of its layers beside it."""
    count = 1 + len(fields["intermediate_layers_indices"])
    return {"vision_output_dim": count * fields["hidden_size"]}


def merged(fields: Fields) -> Fields:
    """Merged patches are as wide as the projector's input."""
    tower = fields["vision_config"]
    return {"out_hidden_size": tower["hidden_size"] * tower["merge_size"] ** 2}


def patch_of_the_model(fields: Fields) -> Fields:
    """A picture's patch is a whole picture of the model that reads patches."""
    return {"patch_size": fields["patch_model_config"]["image_size"]}


def narrow_maps(fields: Fields) -> Fields:
    """Maps of a large picture are no wider than a tiny model has time for, and what fuses them is as wide as they."""
    names = ("scaled_images_feature_dims", "intermediate_feature_dims")
    return {"fusion_hidden_size": CHANNELS, **{name: [CHANNELS] * len(fields[name]) for name in names}}


def twice_as_wide(fields: Fields) -> Fields:
    """What is quantised is an acoustic state beside a semantic one."""
    return {"quantization_dim": 2 * fields["hidden_size"]}


def named_codes(fields: Fields) -> Fields:
    """Where a picture is made of words, each code of its codebook has a name and a number in the vocabulary."""
    if fields.get("vocabulary_map", 0) is not None:
        return {}
    text = fields.get("text_config", fields)
    first = text["vocab_size"]
    letters = [re.sub(r"\d", lambda digit: LETTERS[int(digit[0])], str(code)) for code in range(CODES)]
    names = ["<image>", "<|extra_200|>"]
    names += [f"IMGIMG{each}Z" for each in letters] + [f"<|visual token {code:06d}|>" for code in range(CODES)]
    sizes = {name: CODES for name in ("num_embeddings", "codebook_size") if name in fields["vq_config"]}
    changes = {
        "vocabulary_map": {name: first + number for number, name in enumerate(names)},
        **changed(fields, "vq_config", **sizes),
    }
    if text is fields:
        return {**changes, "vocab_size": first + len(names)}
    return {**changes, **changed(fields, "text_config", vocab_size=first + len(names))}


def merged_early(fields: Fields) -> Fields:
    """Two pictures are merged in a layer before the first whose state is kept."""
    return {
        "merge_index": 0,
        "intermediate_hidden_state_indices": [max(1, place) for place in fields["intermediate_hidden_state_indices"]],
    }


def experts_of_the_talker(fields: Fields) -> Fields:
    talker = fields["talker_config"]
    text = {"shared_expert_intermediate_size": talker["text_config"]["moe_intermediate_size"], **talker["text_config"]}
    return changed(fields, "talker_config", text_config=text)


def sliding(fields: Fields) -> Fields:
    wanted = "sliding" in str(fields["layer_types"]) and not fields.get("sliding_window")
    return {"sliding_window": WINDOW} if wanted else {}


def seen_layers(fields: Fields) -> Fields:
    """Of several layers whose states are read, those that the shortened tower has."""
    count = fields["vision_config"]["num_hidden_layers"]
    listed = {name: fields[name] for name in SEEN if isinstance(fields.get(name), (list, tuple))}
    return {name: [max(-count, min(count, layer)) for layer in layers] for name, layers in listed.items()}


SEEN = ("vision_feature_layer", "vision_feature_layers")


def every_stage(fields: Fields) -> Fields:
    count = len(fields["backbone_config"]["stage_configs"])
    return changed(fields, "backbone_config", out_indices=[*range(1, count + 1)])


def twice_the_width(fields: Fields) -> Fields:
    """An attention that reads its input beside the embeddings."""
    wide = 2 * fields["hidden_size"]
    return {"attention_hidden_size": wide, "attention_head_dim": wide // fields["num_attention_heads"]}


def joined_codes(fields: Fields) -> Fields:
    """What is quantised is an acoustic state beside a semantic one, each as wide as its model."""
    return {"codebook_dim": sum(fields[f"{part}_model_config"]["hidden_size"] for part in ("acoustic", "semantic"))}


def last_stage(fields: Fields) -> Fields:
    return {"hidden_size": fields["base_channels"] * fields["channel_multiplier"][-1]}


def hooked_layers(fields: Fields) -> Fields:
    count = fields["patch_model_config"]["num_hidden_layers"]
    return {"intermediate_hook_ids": [min(layer, count - 1) for layer in fields["intermediate_hook_ids"]]}


def doubled_stages(fields: Fields) -> Fields:
    """A codec's encoder begins with a few channels, and doubles them at each stage."""
    stages = len(fields["downsampling_ratios"])
    return {"encoder_hidden_size": CHANNELS, "hidden_size": CHANNELS * 2**stages, "decoder_hidden_size": 16 * 2**stages}


def codes_in_the_vocabulary(fields: Fields) -> Fields:
    """Pictures and sounds are words after those of the text: first the codes of one, then those of the other."""
    words = fields["text_config"]["vocab_size"]
    changes = {"image_token_offset": words, "audio_token_offset": words + CODES}
    for part in ("vision_config", "audio_config"):
        changes |= changed(fields, part, codebook_size=CODES)
    return {**changes, **changed(fields, "text_config", vocab_size=words + 2 * CODES)}


def listed_backbone(fields: Fields) -> Fields:
    """The backbone of timm whose widths are listed: the default is another, whose file a hub would tell."""
    backbone = fields["backbone_config"]
    return {"backbone_config": {**backbone, "architecture": "repvit_m1"} if has(backbone, "model_args") else backbone}


def small_tower(fields: Fields) -> Fields:
    """The smallest of the family of timm's towers."""
    families = {"vit_pe_core": "vit_pe_core_tiny_patch16_384", "mobilenetv5": "mobilenetv5_base"}
    named = fields["architecture"]
    changes: Fields = {
        "architecture": next((small for family, small in families.items() if named.startswith(family)), named)
    }
    if named.startswith("vit"):
        changes["model_args"] = {"depth": 2, "img_size": [64, 64], **(fields.get("model_args") or {})}
    return changes


def tower_of_patches(fields: Fields) -> Fields:
    """Where a projector pools a tower of timm, the tower gives patches, and says how wide they are."""
    arguments = {"embed_dim": 192, "depth": 2, "global_pool": "", "img_size": [64, 64]}
    tower = {"architecture": "vit_pe_core_tiny_patch16_384", "model_args": arguments, "do_pooling": False}
    return changed(fields, "vision_config", **tower)


def heads_of_each_layer(fields: Fields) -> Fields:
    layers = len(fields["num_key_value_heads_per_layer"])
    return {"num_key_value_heads_per_layer": [fields["num_attention_heads"]] * layers}


def maps_of_a_picture(fields: Fields) -> Fields:
    """Three maps of the picture that the prompts are pointed at: a fourth, an eighth, a sixteenth of it a side."""
    side = fields["prompt_encoder_config"]["image_size"]
    return changed(fields, "vision_config", backbone_feature_sizes=[[side // by] * 2 for by in (4, 8, 16)])
