"""Taking a model off this disk: what a hub's client cached for it, and nothing that anything else still uses.

What goes is planned by the hub's own module, shown, and then deleted. Only what the hub's cache owns is ever in a plan:
an entry of the registry is a file that anybody may have written.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from npu_adapt.errors import ModelError, Sentence
from npu_adapt.models.hubs import hub_of
from npu_adapt.models.hubs.hub import Removal
from npu_adapt.models.registry import Registry
from npu_adapt.records import Fact
from npu_adapt.records.registry import RegistryEntry, RemovedModel


@dataclass(frozen=True)
class PlannedRemoval:
    """One entry, what is deleted for it, and how many bytes that frees."""

    entry: RegistryEntry
    removal: Removal
    freed_bytes: int

    @property
    def record(self) -> RemovedModel:
        """What is said of it, before and after."""
        return RemovedModel(
            model=self.entry.model,
            source=self.entry.source,
            path=self.entry.path,
            freed_bytes=self.freed_bytes,
            removed=tuple(map(str, (*self.removal.folders, *self.removal.files))),
            kept=self.removal.kept,
        )


def plan_removal(entry: RegistryEntry) -> PlannedRemoval:
    """What removing `entry` deletes. Nothing is changed. Raises `ModelError` where that cannot be told."""
    hub = hub_of(entry.source)
    try:
        removal = hub.removal(entry.model, Path(entry.path)) if hub else Removal(kept=Fact(entry.source))
        return PlannedRemoval(entry, removal, removal.bytes)
    except (OSError, ValueError) as error:
        raise _refused(entry, error) from error


def remove(planned: PlannedRemoval, registry: Registry) -> RemovedModel:
    """Deletes what was planned, and forgets the entry.

    Raises `ModelError` where the files or the registry cannot be changed; what was deleted until then is gone.
    """
    entry, removal = planned.entry, planned.removal
    try:
        for file in removal.files:
            file.unlink(missing_ok=True)
        for folder in removal.folders:
            if not folder.is_symlink():
                shutil.rmtree(folder)
        for folder in removal.emptied:
            if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
                folder.rmdir()
        registry.forget(entry.path)
    except OSError as error:
        raise _refused(entry, error) from error
    return planned.record


def _refused(entry: RegistryEntry, error: Exception) -> ModelError:
    why = getattr(error, "strerror", None) or error
    return ModelError(
        Sentence("{model} cannot be removed from {path}: {why}", model=entry.model, path=entry.path, why=why),
        hint="check the rights of the folder and of the registry, then remove it again",
    )
