"""Configurations in configurations: a model of several parts has one for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def configs(config: Any) -> Iterator[Any]:
    """The configuration and those in it, each before those that it holds."""
    yield config
    for value in vars(config).values():
        if hasattr(value, "to_dict") and hasattr(value, "model_type"):
            yield from configs(value)
