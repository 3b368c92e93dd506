"""Task rows that other packages add, through the entry-point group `npu_adapt.tasks`.

An entry point names a `Task`, or several in a tuple or list. It is loaded when a model's task is chosen: starting up
stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint
from typing import Any

from npu_adapt.errors import first_line
from npu_adapt.models.entry_points import GROUP, task_entry_points
from npu_adapt.models.tasks.task import Task
from npu_adapt.records import Fact


@dataclass(frozen=True)
class Plugins:
    """The rows of all plug-ins, and a note for each plug-in that could not be used."""

    rows: tuple[Task, ...]
    failed: tuple[Fact, ...]


@lru_cache(maxsize=1)
def plugins() -> Plugins:
    """What the packages that are installed add. Whatever their code raises costs nobody else a row."""
    rows: list[Task] = []
    failed: list[Fact] = []
    for entry in task_entry_points():
        try:
            rows += _rows_of(entry)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - other people's code, which may exit as well
            failed.append(Fact("plugin-failed", {"name": entry.name, "group": GROUP, "error": first_line(error)}))
    return Plugins(tuple(rows), tuple(failed))


def _rows_of(entry: EntryPoint) -> Iterator[Task]:
    found: Any = entry.load()
    for row in found if isinstance(found, (tuple, list)) else (found,):
        if not isinstance(row, Task):
            raise TypeError(f"{entry.value} is {type(row).__name__}, not a Task")
        yield row
