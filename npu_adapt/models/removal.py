"""Taking a model off this disk: what a hub's client cached for it, and nothing that anything else still uses."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from npu_adapt.errors import ModelError
from npu_adapt.models.places import PARTIAL, UNFINISHED
from npu_adapt.models.registry import Registry
from npu_adapt.records.registry import RegistryEntry, RemovedModel

KEPT = {
    "directory": "the folder is not in a hub's cache: it is its owner's to delete",
    "builtin": "it is a part of npu-adapt",
}


def remove(entry: RegistryEntry, registry: Registry) -> RemovedModel:
    """Deletes the files of `entry` where they lie in a hub's cache, and forgets it.

    What an unfinished download has left of the repository goes with it. Raises `ModelError` where the files or the
    registry cannot be changed; what was deleted until then is gone.
    """
    free = FREEING.get(entry.source)
    try:
        freed = free(Path(entry.path)) if free else 0
        registry.forget(entry.path)
    except OSError as error:
        raise ModelError(
            f"{entry.model} cannot be removed from {entry.path}: {error.strerror}",
            hint="check the rights of the folder and of the registry, then remove it again",
        ) from error
    return RemovedModel(
        model=entry.model, source=entry.source, path=entry.path, freed_bytes=freed, kept=KEPT.get(entry.source)
    )


def free_huggingface(snapshot: Path) -> int:
    """Deletes a snapshot by huggingface_hub's own rules: blobs that another revision links to stay. Bytes freed."""
    from huggingface_hub import scan_cache_dir

    repository = snapshot.parents[1]
    freed = sum(_delete_file(path) for path in repository.glob(f"blobs/*{PARTIAL}"))
    if snapshot.is_dir():
        strategy = scan_cache_dir(repository.parent).delete_revisions(snapshot.name)
        freed += strategy.expected_freed_size
        strategy.execute()
    return freed


def free_modelscope(folder: Path) -> int:
    """Deletes a revision's folder, and the repository's when it was the last one. Bytes freed."""
    is_snapshot = folder.parent.name == "snapshots"
    freed = sum(_delete_file(path) for path in folder.parents[1].glob(f"{UNFINISHED}/*") if is_snapshot)
    if folder.is_dir():
        freed += sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        shutil.rmtree(folder)
    for emptied in (folder.parents[1] / UNFINISHED, *folder.parents[:2]) if is_snapshot else ():
        if emptied.is_dir() and not any(emptied.iterdir()):
            emptied.rmdir()
    return freed


FREEING: dict[str, Callable[[Path], int]] = {"huggingface": free_huggingface, "modelscope": free_modelscope}


def _delete_file(path: Path) -> int:
    size = path.stat().st_size
    path.unlink()
    return size
