"""Fields of config.json that nothing reads and that are named almost like one that is: another writer's name for it.

`norm_epsilon` in a Llama's configuration changes nothing: its code reads `rms_norm_eps`, and takes the default. Only
fields that change numbers and no shape are looked for: the proof of the weights finds the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from npu_adapt.models.loaded_fields import NUMBERS, declared, is_default, loaded_value

_COUNTS = re.compile(rf"^(?!.*(drop|dim$)).*({NUMBERS.pattern})")
LIKE_WORDS = 0.5  # of all words of two names, the part that both have
LIKE_LETTERS = 0.85


@dataclass(frozen=True)
class Unread:
    """A field that nothing reads, and the one that was left at its default."""

    field: str
    file: str
    read: str
    default: str


def unread_fields(fields: Mapping[str, Any], config: Any, source: str, prefix: str = "") -> Iterator[Unread]:
    """The unknown fields near one that `source` reads and that is left at its default, where the values differ."""
    known = declared(config)
    read = {name for name in re.findall(r"config\.(\w+)", source) if name in known and _COUNTS.search(name)}
    given = {getattr(config, "attribute_map", {}).get(name, name) for name in fields}
    defaults = {name: loaded_value(config, name) for name in read if name not in given or is_default(config, name)}
    for name, value in fields.items():
        below = loaded_value(config, name)
        if isinstance(value, Mapping) and hasattr(below, "to_dict"):
            yield from unread_fields(value, below, source, f"{prefix}{name}.")
        elif name not in known and re.search(rf"config\.{re.escape(name)}\b", source) is None:
            near = sorted(each for each in defaults if _could_be(value, defaults[each]) and are_near(name, each))
            yield from (Unread(f"{prefix}{name}", str(value), each, str(defaults[each])) for each in near[:1])


def _could_be(value: Any, default: Any) -> bool:
    """Whether the value is of the default's kind, and another."""
    if isinstance(value, bool) or isinstance(default, bool):
        return isinstance(value, bool) and isinstance(default, bool) and value != default
    if isinstance(value, (int, float)):
        return isinstance(default, (int, float)) and value != default
    return isinstance(value, str) and isinstance(default, str) and value != default


def are_near(name: str, other: str) -> bool:
    """Whether two names of fields mean the same: most of their words are alike, or nearly all of their letters."""
    words, others = name.split("_"), other.split("_")
    shared = sum(any(_alike(word, each) for each in others) for word in words)
    return (
        shared >= LIKE_WORDS * (len(words) + len(others) - shared)
        or SequenceMatcher(None, name, other).ratio() >= LIKE_LETTERS
    )


def _alike(word: str, other: str) -> bool:
    """The same word, or one a shorter form of the other: eps is epsilon."""
    short, long = sorted((word, other), key=len)
    return short == long or (len(short) >= 3 and long.startswith(short))
