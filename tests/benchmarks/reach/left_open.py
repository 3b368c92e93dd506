"""Fields that a default configuration leaves open and its model cannot do without, by names and those beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

EXPERTS, WINDOW = 4, 16


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of the fields that are open."""
    found = dict(fields)
    for names, fill in OPEN:
        if found.get(names[0], 0) in (None, (), []) and all(name in found for name in names):
            found[names[0]] = fill(found)
    return found


# Kernel, stride and padding of convolutions that see a page high and wide, by what they are called.
_LARGE_KERNELS = {
    "reduce_channel": [1, 1, 0],
    "return_channel": [1, 1, 0],
    **{
        f"{kind}_{name}": [[size**high, size**wide], [1, 1], [high * (size // 2), wide * (size // 2)]]
        for size, name in ((7, "longratio"), (5, "midratio"), (3, "shortratio"))
        for kind, high, wide in (
            ("vertical_long_to_small_conv", 1, 0),
            ("horizontal_small_to_long_conv", 0, 1),
            ("symmetric_conv_long", 1, 1),
        )
    },
}

# A field that may be open, beside others, and what it is then.
OPEN: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Any]], ...] = (
    (("num_key_value_heads", "num_attention_heads"), lambda fields: fields["num_attention_heads"]),
    (("projector_scale_factors", "group_detr"), lambda fields: [1.0]),
    (("sliding_window", "num_sliding_attention_heads"), lambda fields: WINDOW),
    (("default_language", "languages"), lambda fields: fields["languages"][0]),
    (("class_thresholds", "class_order"), lambda fields: [0.5] * len(fields["id2label"])),
    (("class_order", "class_thresholds"), lambda fields: [*range(len(fields["id2label"]))]),
    (("backbone", "use_timm_backbone"), lambda fields: "resnet18"),
    (("backbone", "features_only"), lambda fields: "resnet18"),
    (("kernel_list", "scale_factor_list"), lambda fields: [3, 2, 2]),
    (("scale_factor_list", "intraclass_block_config"), lambda fields: [1, 2, 4, 8]),
    (("intraclass_block_config", "intraclass_block_number"), lambda fields: _LARGE_KERNELS),
    (("n_routed_experts", "num_experts_per_tok"), lambda fields: EXPERTS),
    (("n_shared_experts", "n_routed_experts"), lambda fields: 1),
    (("moe_intermediate_size", "top_k_experts"), lambda fields: 32),
    (("num_experts", "top_k_experts"), lambda fields: EXPERTS),
    (("top_k_experts", "num_experts"), lambda fields: 2),
    (("indexer_n_heads", "indexer_head_dim"), lambda fields: 2),
    (("indexer_kv_heads", "indexer_head_dim"), lambda fields: 1),
    (("indexer_head_dim", "indexer_n_heads"), lambda fields: fields.get("head_dim") or 64),
    (("indexer_budget", "indexer_compress_ratio"), lambda fields: 32),
    (("indexer_compress_ratio", "indexer_budget"), lambda fields: 4),
    (("deepstack_layer_map", "spatial_vision_layer"), lambda fields: [[0, 0]]),
    (("downsample_rate", "spatial_vision_layer"), lambda fields: "1/2"),
)
