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

# What changes numbers and no shape.
_NUMBERS = re.compile(r"rope|theta|eps(ilon)?$|scal|multiplier|softcap|act(ivation)?(_fn|_function)?$|alibi")
_ROPE = ("rope_parameters", "rope_scaling", "rope_theta")
# Kinds of layers in a rope of version 5 -> where version 4 keeps the base of that kind.
_ROPE_BASES = {"full_attention": "rope_theta", "sliding_attention": "rope_local_base_freq"}
_BOOKKEEPING = {"model_type", "architectures", "dtype", "torch_dtype", "transformers_version", "auto_map", "id2label"}
_BOOKKEEPING |= {"label2id", "num_labels", "return_dict", "use_cache", "_name_or_path", "name_or_path", *_ROPE}
_ABSENT = object()


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
        loaded = getattr(config, name, _ABSENT)
        if isinstance(value, Mapping) and hasattr(loaded, "to_dict"):
            yield from _dropped_rope(value, loaded, source, f"{prefix}{name}.")
            yield from _dropped(value, loaded, source, f"{prefix}{name}.")
        elif not _is_carried(name, value, config) and _is_read(name, config, source):
            shown = "nothing" if loaded is _ABSENT else str(loaded)
            yield Dropped(f"{prefix}{name}", str(value), shown, decides=_NUMBERS.search(name) is not None)


def _is_read(name: str, config: Any, source: str) -> bool:
    """Whether the code reads the field, by its own name or by the one that the configuration gives it."""
    other = getattr(config, "attribute_map", {}).get(name, name)
    return any(re.search(rf"config\.{re.escape(each)}\b", source) is not None for each in {name, other})


def _is_carried(name: str, value: Any, config: Any) -> bool:
    """Whether the configuration has the value, among the parameters of rope where version 5 keeps more of them too.

    What it computes from other fields is not the file's to say.
    """
    moved = getattr(config, "rope_parameters", None)
    places = [getattr(config, name, _ABSENT), moved.get(name, _ABSENT) if isinstance(moved, Mapping) else _ABSENT]
    is_derived = isinstance(inspect.getattr_static(type(config), name, None), property)
    return is_derived or any(_same(value, place) for place in places)


def _same(file: Any, loaded: Any) -> bool:
    """Equal but for how it is written: lists are tuples, 1 is 1.0, keys are texts, "a|b" is a list, 3 is [3, 3]."""
    if isinstance(file, Mapping) and isinstance(loaded, Mapping):
        other = {str(key): value for key, value in loaded.items()}
        return all(str(key) in other and _same(value, other[str(key)]) for key, value in file.items())
    if isinstance(file, (list, tuple)) and isinstance(loaded, (list, tuple, set)):
        return len(file) == len(loaded) and all(map(_same, file, loaded))
    if isinstance(file, str) and isinstance(loaded, (list, tuple)):
        return re.split(r"[|,]", file) == [str(each) for each in loaded]
    if isinstance(loaded, (list, tuple)):
        return bool(loaded) and all(_same(file, each) for each in loaded)
    if isinstance(file, str) or isinstance(loaded, str):
        return str(file) == str(loaded)
    return bool(file == loaded)


def _dropped_rope(fields: Mapping[str, Any], config: Any, source: str, prefix: str = "") -> Iterator[Dropped]:
    """Rotary embeddings are said in two ways: `rope_theta` and `rope_scaling`, since version 5 `rope_parameters`."""
    if not any(name in fields for name in _ROPE) or re.search(r"rope_|[Rr]otary", source) is None:
        return
    wanted, loaded = _rope(fields), _rope({name: getattr(config, name, None) for name in _names(config)})
    for kind, values in wanted.items():
        have = loaded.get(kind, loaded.get("", {}))
        for name, value in values.items():
            if not _same(value, have.get(name, _ABSENT)):
                field = ".".join(part for part in ("rope", kind, name) if part)
                shown = str(have.get(name, "nothing"))
                yield Dropped(f"{prefix}{field}", str(value), shown, decides=True)


def _names(config: Any) -> tuple[str, ...]:
    """The fields that this version's code reads: an unknown one is kept on the object, and changes nothing."""
    known = getattr(type(config), "__dataclass_fields__", {}) or inspect.signature(type(config).__init__).parameters
    understands = "rope_parameters" in known
    return ("rope_parameters",) if understands else ("rope_theta", "rope_scaling", "rope_local_base_freq")


def _rope(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Kind of layer ("": all) -> base, type and scaling; what means "as it is" is left out."""
    given = fields.get("rope_parameters")
    parameters = given if isinstance(given, Mapping) else {}
    kinds = {kind: values for kind, values in parameters.items() if isinstance(values, Mapping)}
    if not kinds:
        scaling = fields.get("rope_scaling")
        flat = {**(scaling if isinstance(scaling, Mapping) else {}), **parameters}
        if fields.get("rope_theta") is not None:
            flat.setdefault("rope_theta", fields["rope_theta"])
        kinds = {"": flat}
        if fields.get("rope_local_base_freq") is not None:
            kinds = {"full_attention": flat, "sliding_attention": {"rope_theta": fields["rope_local_base_freq"]}}
    return {kind: _plain_rope(values) for kind, values in kinds.items()}


def _plain_rope(values: Mapping[str, Any]) -> dict[str, Any]:
    named = {("rope_type" if name == "type" else name): value for name, value in values.items() if value is not None}
    return {name: value for name, value in named.items() if (name, value) != ("rope_type", "default")}
