"""What `npu-adapt models` does: list, remove, path."""

from __future__ import annotations

from pathlib import Path

from npu_adapt.errors import ModelNotFound, Sentence
from npu_adapt.models.local import locate
from npu_adapt.models.places import answers
from npu_adapt.models.registry import Registry, cache_folder, listed
from npu_adapt.models.removal import PlannedRemoval, plan_removal, remove
from npu_adapt.models.request import ModelRequest
from npu_adapt.progress import Progress
from npu_adapt.records.registry import ListedModel, ModelPath, RegistryEntry, RemovedModel


def list_models(cache_dir: Path | None, progress: Progress) -> tuple[ListedModel, ...]:
    """Every model of the registry, the last used first; files are looked at, not read."""
    return tuple(map(listed, Registry(cache_folder(cache_dir), progress.say).entries()))


def path_of(request: ModelRequest, progress: Progress) -> ModelPath:
    """Where the model is on this disk. Raises what `locate` raises."""
    local = locate(request, Registry(cache_folder(request.cache_dir), progress.say))
    return ModelPath(model=local.id, source=local.source, revision=local.revision, path=str(local.path))


def entries_of(request: ModelRequest, registry: Registry) -> tuple[RegistryEntry, ...]:
    """The registry's entries for a model, on every hub and of every revision unless the request names one.

    Raises `ModelNotFound` where there are none.
    """
    names = {request.model, str(Path(request.model).resolve())} if Path(request.model).is_dir() else {request.model}
    found = tuple(
        entry
        for entry in registry.entries()
        if entry.model in names and answers(entry, revision=request.revision or entry.revision, source=request.source)
    )
    if not found:
        raise ModelNotFound(
            Sentence("{model} is not in the registry {path}", model=request.model, path=registry.path),
            hint="npu-adapt models list shows what is; npu-adapt fetch MODEL brings one",
        )
    return found


def plan_removals(entries: tuple[RegistryEntry, ...]) -> tuple[PlannedRemoval, ...]:
    """What removing these deletes. Raises `ModelError`."""
    return tuple(map(plan_removal, entries))


def remove_models(planned: tuple[PlannedRemoval, ...], registry: Registry) -> tuple[RemovedModel, ...]:
    """Removes each. Raises `ModelError`."""
    return tuple(remove(each, registry) for each in planned)
