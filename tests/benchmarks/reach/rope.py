"""Parameters of a rotary embedding that a default configuration lacks and its model's code reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any


def roped(fields: Mapping[str, Any], source_of: Callable[[str], str], source: str = "") -> dict[str, Any]:
    """The fields with parameters of a rotary embedding as the model's code, `source_of` its type, asks for them.

    Where the code reads them for each kind of layer, or needs the sections of several axes, a default may have neither.
    """
    source = source_of(fields.get("model_type") or "") or source
    found = {
        name: roped(value, source_of, source) if isinstance(value, Mapping) else value for name, value in fields.items()
    }
    rope, kinds = found.get("rope_parameters"), set(found.get("layer_types") or ())
    if rope is None or not fields.get("hidden_size"):
        return found
    if re.search(r"rope_parameters\[layer_type\]", source) and kinds and not kinds & {*rope}:
        plain = {"rope_type": "default", "rope_theta": 10000.0, **rope}
        return {**found, "rope_parameters": dict.fromkeys(sorted(kinds), plain)}
    axes = re.search(r"rope_parameters.get\(\s*.mrope_section", source) and found.get("num_attention_heads")
    if axes and not rope.get("mrope_section"):
        width = found.get("head_dim") or found["hidden_size"] // found["num_attention_heads"]
        half = int(width * (rope.get("partial_rotary_factor") or 1)) // 2
        sections = [half // 4, half * 3 // 8]
        return {**found, "rope_parameters": {**rope, "mrope_section": [*sections, half - sum(sections)]}}
    return found
