"""What changed between two environments: the question after every upgrade of a driver, CANN or torch_npu."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from npu_adapt.records import Environment

PASSED_OVER = {"problems", "npu_smi", "devices"}  # states, or told apart below
GONE = "none"


def environment_changes(before: Environment | None, after: Environment | None) -> tuple[str, ...]:
    """Each thing that differs, as "torch_npu: 2.8.0 -> 2.9.0" or "packages.numpy: 1.26.4 -> 2.1.0".

    Devices are told by name and problems by id. Free memory and health are states, and left out.
    """
    if before is None or after is None:
        return ()
    old, new = _facts(before), _facts(after)
    names = dict.fromkeys([*old, *new])
    return tuple(
        f"{name}: {old.get(name, GONE)} -> {new.get(name, GONE)}"
        for name in names
        if old.get(name, GONE) != new.get(name, GONE)
    )


def _facts(environment: Environment) -> dict[str, str]:
    """The environment as texts by name, in the order of its fields."""
    facts = dict(_flat("", msgspec.to_builtins(environment)))
    facts["devices"] = ", ".join(device.name for device in environment.devices) or GONE
    facts |= {f"problem {problem.id}": problem.severity for problem in environment.problems}
    return facts


def _flat(prefix: str, record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        if name in PASSED_OVER:
            continue
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", GONE if value is None else str(value)
