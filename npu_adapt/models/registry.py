"""The registry that all commands share: one small file of which models are on this disk and what their bytes were.

It keeps no copy of weights. Entries point into the hubs' own caches, roots of models and directories, and are keyed by
that place. Changes are made under a lock and appear by an atomic rename, so that any number of processes may use it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from npu_adapt.errors import ModelError, UsageError
from npu_adapt.evidence import utc_now, write_atomically
from npu_adapt.records.registry import INDEX_SCHEMA_VERSION, ListedModel, RegisteredFile, RegistryEntry, RegistryIndex

INDEX_FILE = "registry.json"
CACHE_VARIABLE = "NPU_ADAPT_CACHE"
UNKNOWN_TIME = -1  # no file has it: whoever looks at the file next hashes it
TRUST = {"nothing": 0, "registry": 1, "hub": 2}  # how much stands behind a hash


class RegistryUnusable(UsageError):
    """The index is from a newer version, or its folder cannot be read."""


def cache_folder(asked: Path | None) -> Path:
    """The registry's folder: as asked, else $NPU_ADAPT_CACHE, else the user's cache folder."""
    if asked is not None:
        return asked.expanduser()
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("npu-adapt")


class Registry:
    """The registry in one folder. Nothing is created before something is registered."""

    def __init__(self, folder: Path, say: Callable[[str], None] = lambda message: None) -> None:
        self.folder = folder
        self.path = folder / INDEX_FILE
        self._say = say

    def entries(self, model: str | None = None) -> tuple[RegistryEntry, ...]:
        """All entries, or those of one model, the last used first. Raises `RegistryUnusable`."""
        found = (entry for entry in self._read().values() if model is None or entry.model == model)
        return tuple(sorted(found, key=lambda entry: entry.last_used, reverse=True))

    def at(self, path: Path) -> RegistryEntry | None:
        """The entry of the model at `path`. Raises `RegistryUnusable`."""
        return self._read().get(str(path))

    def put(self, entry: RegistryEntry) -> None:
        """Adds `entry` or replaces the one of the same path. Raises `OSError` where the folder cannot be written."""
        with self._changing() as entries:
            entries[entry.path] = entry

    def forget(self, path: str) -> None:
        """Takes the entry of `path` out. Raises `OSError` where the folder cannot be written."""
        with self._changing() as entries:
            entries.pop(path, None)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, RegistryEntry]]:
        """The entries by path, under the lock; what they are in the end is written."""
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / f".{INDEX_FILE}.lock"):
            before = self._read(set_aside=True)
            entries = dict(before)
            yield entries
            if entries != before or not self.path.exists():
                index = RegistryIndex(schema_version=INDEX_SCHEMA_VERSION, entries=tuple(entries.values()))
                data = msgspec.json.format(msgspec.json.encode(index), indent=1) + b"\n"
                write_atomically(self.path, data, durable=False)  # not before the files that it speaks of

    def _read(self, *, set_aside: bool = False) -> dict[str, RegistryEntry]:
        """The entries by path. An index that is damaged counts as empty: whatever is on this disk is found again."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RegistryUnusable(
                f"the registry {self.path} cannot be read: {error.strerror}", hint="name another with --cache-dir DIR"
            ) from error
        try:
            version = msgspec.json.decode(data, type=_Head).schema_version
            if version <= INDEX_SCHEMA_VERSION:
                return {entry.path: entry for entry in msgspec.json.decode(data, type=RegistryIndex).entries}
        except msgspec.DecodeError as error:  # its subclass for wrong types too
            self._say(f"{self.path} is damaged ({error}); models are found again as they are used")
            if set_aside:
                self.path.replace(self.path.with_name(f"{self.path.stem}.damaged-{utc_now().replace(':', '')}.json"))
            return {}
        raise RegistryUnusable(
            f"{self.path} has schema version {version}; this npu-adapt reads up to {INDEX_SCHEMA_VERSION}",
            hint="upgrade npu-adapt (pip install --upgrade npu-adapt), or name another registry with --cache-dir DIR",
        )


class _Head(msgspec.Struct):
    schema_version: int


def registry_refused(registry: Registry, error: OSError) -> ModelError:
    """The error for a registry that cannot be written."""
    return ModelError(
        f"the registry {registry.path} cannot be written: {error.strerror or error}",
        hint="name a folder that can be written with --cache-dir DIR, or set NPU_ADAPT_CACHE",
    )


def is_unchanged(path: Path, file: RegisteredFile) -> bool:
    """Whether size and time of the file in the folder `path` are those of the registry."""
    try:
        state = (path / file.name).stat()
    except OSError:
        return False
    return (state.st_size, state.st_mtime_ns) == (file.bytes, file.modified_ns)


def least_verified(entry: RegistryEntry) -> str:
    """What the least verified file of the model was verified against."""
    return min((file.verified_against for file in entry.files), key=TRUST.__getitem__, default="nothing")


def state_of(entry: RegistryEntry) -> str:
    """ready: every file is as it was hashed; else gone, unfinished or changed."""
    path = Path(entry.path)
    if not path.is_dir():
        return "gone"
    if entry.missing:
        return "unfinished"
    return "ready" if all(is_unchanged(path, file) for file in entry.files) else "changed"


def listed(entry: RegistryEntry) -> ListedModel:
    """The row of `models list`."""
    return ListedModel(
        model=entry.model,
        source=entry.source,
        revision=entry.revision,
        path=entry.path,
        bytes=sum(file.bytes for file in entry.files),
        state=state_of(entry),
        verified_against=least_verified(entry),
        verified_at=min((file.verified_at for file in entry.files), default=None),
        last_used=entry.last_used,
    )
