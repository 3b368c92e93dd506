"""JSON between processes of ours: texts may be names that are not UTF-8, and stay the bytes that they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

Kind = TypeVar("Kind")


def encode_exactly(value: Any, hook: Callable[[Any], Any] | None = None) -> bytes:
    """JSON that `decode_exactly` reads; that of `msgspec` unless a text is not UTF-8."""
    try:
        return msgspec.json.encode(value, enc_hook=hook)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value, enc_hook=hook)).encode()


def decode_exactly(data: bytes, kind: type[Kind]) -> Kind:
    """The value of the type `kind`. Raises `msgspec.DecodeError`."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        try:
            plain = json.loads(data)
        except (ValueError, RecursionError):
            plain = None
        if plain is None:
            raise
        return msgspec.convert(plain, kind)
