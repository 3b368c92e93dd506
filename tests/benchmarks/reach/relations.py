"""Relations between the fields of a configuration that a small one has to keep.

Each is told by the names of the fields alone, and holds whatever the model type is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.benchmarks.reach import changes as of
from tests.benchmarks.reach.changes import Fields
from tests.benchmarks.reach.left_open import filled


def related(fields: Mapping[str, Any]) -> Fields:
    """The fields, those of nested configurations too, with what their relations make of them."""
    found = {name: related(value) if isinstance(value, Mapping) else value for name, value in fields.items()}
    found |= filled(found)
    for names, change in RELATIONS:
        if all(of.has(found, name) for name in names):
            found |= change(found)
    return found


RELATIONS: tuple[tuple[tuple[str, ...], Callable[[Fields], Fields]], ...] = (
    (("width_coefficient", "depth_divisor", "hidden_dim"), of.scaled_stem),
    (("projection_dim", "vision_config.width_coefficient"), of.scaled_projection),
    (("projector_patch_to_query_dict", "vision_config.image_size"), of.patches_to_queries),
    (("n_input_layers", "n_recurrent_layers", "n_output_layers", "layer_types"), of.recurrent_layers),
    (("adapter_config.vision_feature_layer", "vision_config.num_hidden_layers"), of.layers_of_the_tower),
    (("adaptor_config.intermediate_size", "text_config.hidden_size"), of.quarter),
    (("per_layer_config", "qk_nope_head_dim", "qk_rope_head_dim"), of.sum_of_heads),
    (("attn_config.kv_n_heads",), of.clipped_attention),
    (("encoder_config.num_key_value_heads", "num_attention_heads"), of.heads_of_the_decoder),
    (("coordinate_size", "shape_size", "hidden_size"), of.boxes),
    (("channel_shrink_ratio", "max_2d_position_embeddings", "hidden_size"), of.six_parts),
    (("pixel_shuffle_ratio", "projector_output_dim", "hidden_size"), of.shuffled_pixels),
    (("vision_output_dim", "intermediate_layers_indices", "hidden_size"), of.states_beside),
    (("projector_hidden_size", "out_hidden_size", "vision_config.merge_size"), of.merged),
    (("scaled_images_ratios", "patch_model_config.image_size"), of.patch_of_the_model),
    (("scaled_images_feature_dims", "intermediate_feature_dims", "fusion_hidden_size"), of.narrow_maps),
    (("quantization_dim", "quantization_levels", "hidden_size"), of.twice_as_wide),
    (("vq_config",), of.named_codes),
    (("adapter_input_size", "hidden_size"), lambda fields: {"adapter_input_size": fields["hidden_size"]}),
    (("adapter_in_dim", "hidden_size"), lambda fields: {"adapter_in_dim": fields["hidden_size"]}),
    (("vision_config.backbone_feature_sizes", "prompt_encoder_config.image_size"), of.maps_of_a_picture),
    (("vision_soft_tokens_per_image", "vision_config.architecture"), lambda _: {"vision_soft_tokens_per_image": 256}),
    (
        ("num_key_value_heads_per_layer", "num_attention_heads"),
        of.heads_of_each_layer,
    ),
    (("merge_index", "intermediate_hidden_state_indices"), of.merged_early),
    (("talker_config.text_config.moe_intermediate_size",), of.experts_of_the_talker),
    (("num_filters", "downsampling_ratios"), lambda fields: {"num_filters": of.FILTERS}),
    (("layer_types",), of.sliding),
    (("vision_config.num_hidden_layers",), of.seen_layers),
    (("backbone_config.stage_configs",), of.every_stage),
    (("attention_hidden_size", "hidden_size", "num_attention_heads"), of.twice_the_width),
    (("base_channels", "channel_multiplier", "hidden_size"), of.last_stage),
    (
        ("projector_scale_factors", "num_feature_levels"),
        lambda fields: {"num_feature_levels": len(fields["projector_scale_factors"])},
    ),
    (("codebook_dim", "acoustic_model_config.hidden_size", "semantic_model_config.hidden_size"), of.joined_codes),
    (
        ("x4_feat_dim", "backbone_config.stage_out_channels"),
        lambda fields: {"x4_feat_dim": fields["backbone_config"]["stage_out_channels"][0]},
    ),
    (
        ("position_id_per_seconds",),
        lambda fields: {"vision_start_token_id": fields.get("vision_start_token_id", 1)},
    ),
    (("intermediate_hook_ids", "patch_model_config.num_hidden_layers"), of.hooked_layers),
    (("encoder_hidden_size", "decoder_hidden_size", "downsampling_ratios"), of.doubled_stages),
    (("image_token_offset", "audio_token_offset", "text_config.vocab_size"), of.codes_in_the_vocabulary),
    (("backbone_channel_list", "backbone_config.architecture"), of.listed_backbone),
    (("architecture", "do_pooling"), of.small_tower),
    (("projector_pooling_ratio", "vision_config.architecture"), of.tower_of_patches),
)
