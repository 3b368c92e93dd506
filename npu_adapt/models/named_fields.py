"""Which field of config.json an exception of other people's code is about: a `KeyError` names only a value.

Libraries look activations, rope types and layers up in registries by what the configuration says. Whatever registry,
the value that it lacks stands in a field, and the field is what a person can correct.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from npu_adapt.errors import ModelError, Sentence, few


@contextmanager
def fields_named(fields: Mapping[str, Any], file: Path) -> Iterator[None]:
    """Names the fields where a `ModelError` comes from a lookup of a value that they carry."""
    try:
        yield
    except ModelError as error:
        value = unknown_value(error.__cause__)
        names = () if value is None else fields_with(fields, value)
        if not names:
            raise
        raise ModelError(
            Sentence(
                "{file} says {fields} {value!r}, which the model's code does not know",
                file=file,
                fields=few(names),
                value=value,
            ),
            hint="correct the field, or install the transformers version that the model was made for",
        ) from error.__cause__


def unknown_value(error: BaseException | None) -> str | None:
    """The name that was looked up and not found, by the first exception in the chain that is a failed lookup."""
    while error is not None:
        if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
            return error.args[0]
        if isinstance(error, AttributeError) and error.name:
            return error.name
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def fields_with(fields: Mapping[str, Any], value: str) -> tuple[str, ...]:
    """The fields that carry the value; where none does, those that have it as a part: "gated-gelu" has "gelu"."""
    texts = tuple(_texts(fields))
    exact = tuple(dict.fromkeys(name for name, text in texts if text == value))
    parts = (name for name, text in texts if value in re.split(r"[^A-Za-z0-9]", text))
    return exact or tuple(dict.fromkeys(parts))


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text below `value`, with the field it stands in."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key not in ("id2label", "label2id", "architectures", "auto_map"):
                yield from _texts(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each, name)
