"""What changed between two environments: the question after every upgrade of a driver, CANN or torch_npu."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from npu_adapt.records import Environment, Fact

PASSED_OVER = {"problems", "npu_smi", "devices"}  # states, or told apart below


def environment_changes(before: Environment | None, after: Environment | None) -> tuple[Fact, ...]:
    """Each thing that differs: its name ("torch_npu", "packages.numpy"), what it was and what it is, None for neither.

    Devices are told by name and problems by id. Free memory and health are states, and left out.
    """
    if before is None or after is None:
        return ()
    old, new = _values(before), _values(after)
    named = _differing("value", old, new)
    return (*named, *_differing("problem", _severities(before), _severities(after)))


def _differing(kind: str, old: Mapping[str, str | None], new: Mapping[str, str | None]) -> Iterator[Fact]:
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield Fact(kind, {"name": name, "before": old.get(name), "after": new.get(name)})


def _severities(environment: Environment) -> dict[str, str | None]:
    return {problem.id: problem.severity for problem in environment.problems}


def _values(environment: Environment) -> dict[str, str | None]:
    """The environment as texts by name, in the order of its fields."""
    values = dict(_flat("", msgspec.to_builtins(environment)))
    values["devices"] = ", ".join(device.name for device in environment.devices) or None
    return values


def _flat(prefix: str, record: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    for name, value in record.items():
        if name in PASSED_OVER:
            continue
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", None if value is None else str(value)
