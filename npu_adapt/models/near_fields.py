"""Fields of config.json that nothing reads and that are named almost like one that is: another writer's name for it.

`norm_epsilon` in a Llama's configuration changes nothing: its code reads `rms_norm_eps`, and takes the default.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

# What is read and changes nothing that is computed without training.
_IDLE = re.compile(r"drop|init|loss|smoothing|token_id|checkpoint|^output_|^return_|^use_cache$|^mask_|version")
LIKE_WORDS = 0.6  # of all words of two names, the part that both have
LIKE_LETTERS = 0.85


@dataclass(frozen=True)
class Unread:
    """A field that nothing reads, and the one that was left at its default."""

    field: str
    file: str
    read: str
    default: str


def unread_fields(fields: Mapping[str, Any], config: Any, source: str, prefix: str = "") -> Iterator[Unread]:
    """The fields whose values differ from those of fields of nearly their names, which `source` reads and no file gives."""
    known = _declared(config)
    given = {*fields, *(known.get(name, name) for name in fields)}
    defaults = {
        name: getattr(config, name)
        for name in set(re.findall(r"config\.(\w+)", source))
        if name in known and name not in given and known[name] not in given and not _IDLE.search(name)
    }
    for name, value in fields.items():
        below = getattr(config, name, None)
        if isinstance(value, Mapping) and hasattr(below, "to_dict"):
            yield from unread_fields(value, below, source, f"{prefix}{name}.")
        elif name not in known and re.search(rf"config\.{re.escape(name)}\b", source) is None:
            near = [each for each, default in defaults.items() if _could_be(value, default) and are_near(name, each)]
            yield from (Unread(f"{prefix}{name}", str(value), each, str(defaults[each])) for each in sorted(near)[:1])


def _declared(config: Any) -> dict[str, str]:
    """The fields that the configuration's class knows -> the names that it keeps them under."""
    fresh = type(config)()
    return {name: name for name in vars(fresh)} | dict(getattr(config, "attribute_map", {}))


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
