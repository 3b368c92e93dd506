"""The registry that all commands share: one small file of which models are on this disk and what their bytes were.

It keeps no copy of weights. Entries point into the hubs' own caches, roots of models and directories, and are keyed by
that place. Changes are made under a lock and appear by an atomic rename, so that any number of processes may use it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from npu_adapt.errors import ModelError, Sentence, UsageError
from npu_adapt.evidence import utc_now, write_atomically
from npu_adapt.files import read_regular
from npu_adapt.homes import expanded, home
from npu_adapt.models.selection import ABSURD_BYTES, is_safe
from npu_adapt.records.registry import INDEX_SCHEMA_VERSION, ListedModel, RegisteredFile, RegistryEntry, RegistryIndex

INDEX_FILE = "registry.json"
CACHE_VARIABLE = "NPU_ADAPT_CACHE"
UNKNOWN_TIME = -1  # no file has it: whoever looks at the file next hashes it
# How much stands behind a hash: only computed here; in a listing of which nobody knows who gave it; in a mirror's; in
# that of the hub at its own address; shipped with this package.
TRUST = {"nothing": 0, "listing": 1, "mirror": 2, "hub": 3, "package": 3}
LONGEST_INDEX = 64 << 20  # bytes
LOCK_SECONDS = 30.0  # a change takes a thousandth of it


class RegistryUnusable(UsageError):
    """The index is from a newer version, or its folder cannot be read."""


def cache_folder(asked: Path | None) -> Path:
    """The registry's folder: as asked, else $NPU_ADAPT_CACHE, else the user's cache folder."""
    if asked is not None or os.environ.get(CACHE_VARIABLE):
        return expanded(asked or os.environ[CACHE_VARIABLE])
    from platformdirs import user_cache_path

    try:
        folder = user_cache_path("npu-adapt")
    except RuntimeError:  # platformdirs from 4.4 on; before, "~" stays as it is
        folder = Path("~")
    return folder if folder.is_absolute() else home() / ".cache" / "npu-adapt"


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

    def put(self, *given: RegistryEntry) -> None:
        """Adds entries, or replaces those of the same paths. Raises `OSError` where the folder cannot be written."""
        with self._changing() as entries:
            entries.update((entry.path, entry) for entry in given)

    def forget(self, path: str) -> None:
        """Takes the entry of `path` out. Raises `OSError` where the folder cannot be written."""
        with self._changing() as entries:
            entries.pop(path, None)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, RegistryEntry]]:
        """The entries by path, under the lock; what they are in the end is written."""
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / f".{INDEX_FILE}.lock")
        try:
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout as error:
            raise OSError(errno.EAGAIN, f"another process has held its lock for {LOCK_SECONDS:g} s") from error
        try:
            before = self._read(set_aside=True)
            entries = dict(before)
            yield entries
            if entries != before or not self.path.exists():
                index = RegistryIndex(schema_version=INDEX_SCHEMA_VERSION, entries=tuple(entries.values()))
                write_atomically(self.path, _encoded(index), durable=False)  # not before the files that it speaks of
        finally:
            lock.release()

    def _read(self, *, set_aside: bool = False) -> dict[str, RegistryEntry]:
        """The entries by path. An index that is damaged counts as empty: whatever is on this disk is found again."""
        try:
            data = read_regular(self.path, LONGEST_INDEX)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RegistryUnusable(
                Sentence("the registry {path} cannot be read: {reason}", path=self.path, reason=error.strerror),
                hint="name another with --cache-dir DIR",
            ) from error
        try:
            version = msgspec.json.decode(data, type=_Head).schema_version
            if version <= INDEX_SCHEMA_VERSION:
                entries = msgspec.json.decode(data, type=RegistryIndex).entries
                return self._sound(map(_of_schema_1, entries) if version < 2 else entries)
        except (ValueError, RecursionError) as error:  # the first is also for wrong types and bytes that are no text
            self._say(f"{self.path} is damaged ({error}); models are found again as they are used")
            if set_aside:
                self.path.replace(self.path.with_name(f"{self.path.stem}.damaged-{utc_now().replace(':', '')}.json"))
            return {}
        raise RegistryUnusable(
            Sentence(
                "{path} has schema version {version}; this npu-adapt reads up to {index_schema_version}",
                path=self.path,
                version=version,
                index_schema_version=INDEX_SCHEMA_VERSION,
            ),
            hint="upgrade npu-adapt (pip install --upgrade npu-adapt), or name another registry with --cache-dir DIR",
        )

    def _sound(self, entries: Iterable[RegistryEntry]) -> dict[str, RegistryEntry]:
        """The entries that this package could have written, by path. Others are said and left out."""
        found = {}
        for entry in entries:
            if _is_sound(entry):
                found[entry.path] = entry
            else:
                self._say(f"{self.path} has an entry that cannot be true, and it is left out: {entry.model!r:.200}")
        return found


def _is_sound(entry: RegistryEntry) -> bool:
    """Whether its path is one, its files lie below it, and their sizes and verification are possible."""
    path = Path(entry.path)
    return (
        path.is_absolute()
        and "\0" not in entry.path
        and ".." not in path.parts
        and all(map(is_safe, entry.missing))
        and all(
            is_safe(file.name) and 0 <= file.bytes <= ABSURD_BYTES and file.verified_against in TRUST
            for file in entry.files
        )
    )


def _of_schema_1(entry: RegistryEntry) -> RegistryEntry:
    """As schema 2 has it: nobody kept which address had listed the files, and an own first hash verified nothing."""
    now = {"hub": "listing", "registry": "nothing"}
    files = tuple(
        msgspec.structs.replace(file, verified_against=now.get(file.verified_against, file.verified_against))
        for file in entry.files
    )
    return msgspec.structs.replace(entry, files=files)


def _encoded(index: RegistryIndex) -> bytes:
    """Raises `OSError` for a name that is not UTF-8, which JSON cannot hold."""
    try:
        return msgspec.json.format(msgspec.json.encode(index), indent=1) + b"\n"
    except UnicodeEncodeError as error:
        raise OSError(errno.EILSEQ, "the name of a folder or of a file is not UTF-8") from error


class _Head(msgspec.Struct):
    schema_version: int


def registry_refused(registry: Registry, error: OSError) -> ModelError:
    """The error for a registry that cannot be written."""
    return ModelError(
        Sentence("the registry {path} cannot be written: {reason}", path=registry.path, reason=error.strerror or error),
        hint="name a folder that can be written with --cache-dir DIR, or set NPU_ADAPT_CACHE",
    )


def is_unchanged(path: Path, file: RegisteredFile) -> bool:
    """Whether size and time of the file in the folder `path` are those of the registry."""
    try:
        state = (path / file.name).stat()
    except (OSError, ValueError):
        return False
    return (state.st_size, state.st_mtime_ns) == (file.bytes, file.modified_ns)


def least_verified(entry: RegistryEntry) -> str:
    """What the least verified file of the model was verified against."""
    return min((file.verified_against for file in entry.files), key=TRUST.__getitem__, default="nothing")


def state_of(entry: RegistryEntry) -> str:
    """ready: every file is as it was hashed; else gone, unreadable, unfinished or changed."""
    path = Path(entry.path)
    try:
        if not path.is_dir():
            return "gone"
    except OSError:
        return "unreadable"
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
        endpoint=entry.endpoint,
        verified_at=min((file.verified_at for file in entry.files), default=None),
        last_used=entry.last_used,
    )
