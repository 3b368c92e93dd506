"""What config.json says and the loaded configuration does not: a reader of another version drops fields silently.

A field counts where the code of the architecture reads it. One that changes numbers without changing a shape (rope,
scales, epsilons, activations) would give another model with every weight proven.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npu_adapt.models.loaded_fields import ABSENT, NUMBERS, loaded_value, same
from npu_adapt.models.near_fields import Unread, unread_fields
from npu_adapt.models.rope_fields import ROPE, rope_differences

_BOOKKEEPING = {"model_type", "architectures", "dtype", "torch_dtype", "transformers_version", "auto_map", "id2label"}
_BOOKKEEPING |= {"label2id", "num_labels", "return_dict", "use_cache", "_name_or_path", "name_or_path", *ROPE}


@dataclass(frozen=True)
class Dropped:
    """A field that the loaded configuration does not carry with the file's value."""

    field: str
    file: str
    loaded: str
    decides: bool  # whether it changes numbers without changing a shape


def dropped_fields(fields: Mapping[str, Any], module: Any) -> tuple[Dropped, ...]:
    """The fields of config.json that `module`'s code reads and that its configuration holds otherwise."""
    source = _source(type(module))
    found = [*_dropped_rope(fields, module.config, source), *_dropped(fields, module.config, source)]
    return tuple({item.field: item for item in found}.values())


def misnamed_fields(fields: Mapping[str, Any], module: Any) -> tuple[Unread, ...]:
    """The fields of config.json that nothing reads, and that are named almost like one that `module`'s code reads."""
    return tuple(unread_fields(fields, module.config, _source(type(module))))


def _dropped_rope(fields: Mapping[str, Any], config: Any, source: str, prefix: str = "") -> Iterator[Dropped]:
    if re.search(r"rope_|[Rr]otary", source) is not None:
        for field, file, loaded in rope_differences(fields, config):
            yield Dropped(f"{prefix}{field}", file, loaded, decides=True)


def _source(kind: type) -> str:
    """The text of the modules that define the class, its bases and its configuration's base."""
    names = {base.__module__ for base in kind.__mro__ if ".modeling_" in base.__module__ or base is kind}
    files = [getattr(sys.modules.get(name), "__file__", None) for name in sorted(names)]
    shared = ("modeling_utils", "models.auto")
    wanted = [Path(file) for name, file in zip(sorted(names), files, strict=True) if file and not name.endswith(shared)]
    return "\n".join(file.read_text(errors="replace") for file in wanted if file.suffix == ".py")


def _dropped(fields: Mapping[str, Any], config: Any, source: str, prefix: str = "") -> Iterator[Dropped]:
    for name, value in fields.items():
        if name in _BOOKKEEPING or value is None or fields.get(f"use_{name}") is False:
            continue
        loaded = loaded_value(config, name)
        if isinstance(value, Mapping) and hasattr(loaded, "to_dict"):
            yield from _dropped_rope(value, loaded, source, f"{prefix}{name}.")
            yield from _dropped(value, loaded, source, f"{prefix}{name}.")
        elif not _is_carried(name, value, config) and _is_read(name, config, source):
            shown = "nothing" if loaded is ABSENT else str(loaded)
            yield Dropped(f"{prefix}{name}", str(value), shown, decides=NUMBERS.search(name) is not None)


def _is_read(name: str, config: Any, source: str) -> bool:
    """Whether the code reads the field, by its own name or by the one that the configuration gives it."""
    other = getattr(config, "attribute_map", {}).get(name, name)
    return any(re.search(rf"(?<!generation_)config\.{re.escape(each)}\b", source) for each in {name, other})


def _is_carried(name: str, value: Any, config: Any) -> bool:
    """Whether the configuration has the value, among the parameters of rope where version 5 keeps more of them too.

    What it computes from other fields is not the file's to say.
    """
    moved = getattr(config, "rope_parameters", None)
    places = [loaded_value(config, name), moved.get(name, ABSENT) if isinstance(moved, Mapping) else ABSENT]
    is_derived = isinstance(inspect.getattr_static(type(config), name, None), property)
    return is_derived or any(same(value, place) for place in places)
