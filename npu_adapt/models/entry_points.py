"""Where packages announce task rows: read from their metadata, nothing of theirs is imported."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

GROUP = "npu_adapt.tasks"


def task_entry_points() -> tuple[EntryPoint, ...]:
    """Those of all packages that are installed, by name."""
    return tuple(sorted(entry_points(group=GROUP), key=lambda each: each.name))
