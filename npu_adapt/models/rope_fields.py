"""Rotary embeddings in config.json: `rope_theta` and `rope_scaling`, since version 5 `rope_parameters`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from npu_adapt.models.loaded_fields import ABSENT, declared, same

ROPE = ("rope_parameters", "rope_scaling", "rope_theta")
_THETA, _PART = "rope_theta", "partial_rotary_factor"
_FULL, _SLIDING = "full_attention", "sliding_attention"
# Kinds of layers in a rope of version 5 -> where version 4 keeps the base of that kind alone.
_BASES = {_FULL: ("global_rope_theta",), _SLIDING: ("rope_local_base_freq", "local_rope_theta")}
# What a rope may say and be the one that code without the field computes; pictures' ropes were always axial.
_AS_IT_IS = (("rope_type", "default"), ("rope_type", "axial"), (_PART, 1.0))
_CONSTANT: dict[str, Any] = {_THETA: 10000.0}  # what code without any field of a rope computes with


def rope_differences(fields: Mapping[str, Any], config: Any) -> Iterator[tuple[str, str, str]]:
    """Field, the file's value and the loaded one, where the two are of different ropes."""
    if not any(name in fields for name in ROPE):
        return
    names = _read_names(config)
    loaded = _ropes({name: getattr(config, name, None) for name in names}) if names else {"": _CONSTANT}
    for kind, values in _ropes(fields).items():
        for have, (name, value) in product(_of_kind(loaded, kind), values.items()):
            if not same(value, have.get(name, ABSENT)):
                field = ".".join(part for part in ("rope", kind, name) if part)
                yield field, str(value), str(have.get(name, "nothing"))


def _of_kind(loaded: Mapping[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The ropes that layers of the kind are given; all there are for what holds for all layers."""
    if kind in loaded:
        return [loaded[kind]]
    return [loaded.get("", {})] if kind else [*loaded.values()]


def _read_names(config: Any) -> tuple[str, ...]:
    """The fields of ropes that this version's code reads."""
    known = declared(config)
    if "rope_parameters" in known:
        return ("rope_parameters",)
    names = (_THETA, "rope_scaling", _PART, *_BASES[_FULL], *_BASES[_SLIDING])
    return tuple(name for name in names if name in known)


def _ropes(fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Kind of layer ("": all) -> base, type and scaling; what means "as it is" is left out."""
    given = fields.get("rope_parameters")
    parameters = given if isinstance(given, Mapping) else {}
    kinds = {kind: values for kind, values in parameters.items() if isinstance(values, Mapping)}
    if not kinds:
        scaling = fields.get("rope_scaling")
        plain = {name: fields[name] for name in (_THETA, _PART) if fields.get(name) is not None}
        flat = {**plain, **(scaling if isinstance(scaling, Mapping) else {}), **parameters}
        bases = {
            kind: {_THETA: fields[name]}
            for kind, names in _BASES.items()
            for name in names
            if fields.get(name) is not None
        }
        kinds = {_FULL: flat | bases.get(_FULL, {}), _SLIDING: bases[_SLIDING]} if _SLIDING in bases else {"": flat}
    return {kind: _plain(values) for kind, values in kinds.items()}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    named = {("rope_type" if name == "type" else name): value for name, value in values.items() if value is not None}
    return {name: value for name, value in named.items() if (name, value) not in _AS_IT_IS}
