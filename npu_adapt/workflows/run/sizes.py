"""Sizes as a user types them."""

from __future__ import annotations

import re

from npu_adapt.errors import Sentence, UsageError

UNITS = {"": 1, **{f"{prefix}b": 1000 ** (at + 1) for at, prefix in enumerate("kmgtp")}}
UNITS |= {"b": 1, **{f"{prefix}ib": 1024 ** (at + 1) for at, prefix in enumerate("kmgtp")}}
MOST_BYTES = 1 << 63  # no disk and no memory has more
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)


def size_of(option: str, text: str) -> int:
    """The bytes of "200GB" (decimal), "1.5TiB" (binary). Raises `UsageError`."""
    match = _SIZE.fullmatch(text.strip())
    size = float(match[1]) * UNITS.get(match[2].lower(), 0) if match else 0
    if not 1 <= size < MOST_BYTES:
        raise UsageError(
            Sentence("{option} {text}: no size", option=option, text=text),
            hint=Sentence("for example {option} 200GB", option=option),
        )
    return int(size)
