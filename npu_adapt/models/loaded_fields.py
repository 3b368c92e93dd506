"""What a loaded configuration holds, which fields its classes know, and whether it means what the file says."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

ABSENT = object()
# What changes numbers and no shape.
NUMBERS = re.compile(r"rope|theta|eps(ilon)?$|scal|multiplier|softcap|act(ivation)?(_fn|_function)?$|alibi")
# What a class of version 4 takes from its keywords or computes while it is made.
_SET = re.compile(r"""self\.(\w+)(?::[^=\n]+)? = |kwargs\.pop\(["'](\w+)""")


def loaded_value(config: Any, name: str) -> Any:
    """What the configuration holds; `ABSENT` where it holds nothing of that name.

    One whose layers differ in a field refuses to give it as an attribute, and writes it all the same.
    """
    try:
        return getattr(config, name, ABSENT)
    except Exception:  # noqa: BLE001 - the configuration's own code
        return config.to_dict().get(name, ABSENT)


def declared(config: Any) -> set[str]:
    """The fields that the configuration's classes know; others of a file are kept on the object, and change nothing.

    No configuration is made to look at: the default of one may ask a hub for a backbone.
    """
    names = set(getattr(config, "attribute_map", {}))
    for kind in type(config).__mro__[:-1]:
        names |= {*getattr(kind, "__dataclass_fields__", ())}
        if made := vars(kind).get("__init__"):
            names |= {*inspect.signature(made).parameters}
            with suppress(OSError, TypeError):  # made by a decorator: it has no source
                names |= {name for found in _SET.findall(inspect.getsource(made)) for name in found}
    return names


def is_default(config: Any, name: str) -> bool:
    """Whether a field holds what its class gives it where a file is silent."""
    taken = inspect.signature(type(config).__init__).parameters.get(name)
    return taken is not None and taken.default is not taken.empty and same(taken.default, loaded_value(config, name))


def same(file: Any, loaded: Any) -> bool:
    """Equal but for how it is written: lists are tuples, 1 is 1.0, keys are texts, "a|b" is a list, 3 is [3, 3]."""
    if isinstance(file, Mapping) and isinstance(loaded, Mapping):
        other = {str(key): value for key, value in loaded.items()}
        return all(str(key) in other and same(value, other[str(key)]) for key, value in file.items())
    if isinstance(file, (list, tuple)) and isinstance(loaded, (list, tuple, set)):
        return len(file) == len(loaded) and all(map(same, file, loaded))
    if isinstance(file, str) and isinstance(loaded, (list, tuple)):
        return re.split(r"[|,]", file) == [str(each) for each in loaded]
    if isinstance(loaded, (list, tuple)):
        return bool(loaded) and all(same(file, each) for each in loaded)
    if isinstance(file, str) or isinstance(loaded, str):
        return str(file) == str(loaded)
    return bool(file == loaded)
