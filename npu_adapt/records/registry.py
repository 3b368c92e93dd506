"""The records of the registry, and what `fetch` and `models` print with `--json`.

Schema history of the index
    1  first published form
    2  `endpoint`; verified_against tells a mirror, and a listing of unknown origin, from the hub; an own hash verifies
       nothing any more
"""

from __future__ import annotations

from npu_adapt.records.base import Fact, Record

INDEX_SCHEMA_VERSION = 2


class RegisteredFile(Record, frozen=True, kw_only=True):
    """One file of a model as it was when its bytes were last hashed."""

    name: str  # below the model's folder, parts joined by "/"
    bytes: int
    modified_ns: int  # the file's time of change, nanoseconds; another one means: hash again
    sha256: str
    # hub: as the hub lists it at its own address; mirror: as another address lists it; listing: as a listing says of
    # which nobody knows who gave it; package: as this package ships it; nothing: only hashed
    verified_against: str
    verified_at: str  # UTC, when it was last hashed


class RegistryEntry(Record, frozen=True, kw_only=True):
    """A model on this disk. The registry points to it and keeps no copy."""

    model: str
    source: str  # modelscope | huggingface | directory | builtin
    revision: str | None  # branch, tag or commit as asked of the hub; None: a directory has none
    commit: str | None  # what the revision was; None: the place does not tell
    url: str | None  # None: nothing on a hub answers to it
    endpoint: str | None = None  # the address that listed the files; None: none was asked, or nobody knows
    path: str
    files: tuple[RegisteredFile, ...]
    missing: tuple[str, ...] = ()  # files that the hub lists and an unfinished download has not brought yet
    registered_at: str
    last_used: str


class RegistryIndex(Record, frozen=True, kw_only=True):
    """All of the registry: one small file."""

    schema_version: int
    entries: tuple[RegistryEntry, ...] = ()


class ListedModel(Record, frozen=True, kw_only=True):
    """A row of `models list`."""

    model: str
    source: str
    revision: str | None  # None: a directory has none
    path: str
    bytes: int
    state: str  # ready | changed | unfinished | gone | unreadable
    verified_against: str  # as RegisteredFile has it: that of its least verified file
    endpoint: str | None  # the address that listed the files; None: none was asked, or nobody knows
    verified_at: str | None  # the oldest of its files; None: no file was hashed yet
    last_used: str


class ModelPath(Record, frozen=True, kw_only=True):
    """Where `models path` found a model."""

    model: str
    source: str
    revision: str | None  # None: a directory has none
    path: str


class FileCheck(Record, frozen=True, kw_only=True):
    """One file hashed again by `models verify`."""

    name: str
    bytes: int
    outcome: str  # same | differs | missing | unreadable | pointer: what Git LFS leaves in place of a file
    expected_sha256: str
    found_sha256: str | None  # None: the file could not be read
    verified_against: (
        str  # whose the expected hash is, as RegisteredFile has it; nothing: of the first time it was seen
    )


class ModelCheck(Record, frozen=True, kw_only=True):
    model: str
    source: str
    path: str
    passed: bool
    files: tuple[FileCheck, ...]
    missing: tuple[str, ...] = ()  # of an unfinished download


class Verification(Record, frozen=True, kw_only=True):
    """What `models verify` found."""

    passed: bool
    bytes: int
    seconds: float
    models: tuple[ModelCheck, ...]


class RemovedModel(Record, frozen=True, kw_only=True):
    """What `models remove` did with one entry."""

    model: str
    source: str
    path: str
    freed_bytes: int
    removed: tuple[str, ...]  # the files and folders that are gone
    kept: Fact | None  # why the files stay; None: they are gone


class FetchedFile(Record, frozen=True, kw_only=True):
    name: str
    bytes: int
    sha256: str | None  # None: only planned (--dry-run), and the hub's listing has none
    verified_against: str  # as RegisteredFile has it
    downloaded: bool  # False: it was on this disk


class PlaceTried(Record, frozen=True, kw_only=True):
    place: str  # a folder, or a hub's name
    outcome: Fact


class Fetched(Record, frozen=True, kw_only=True):
    """What `fetch` brought, or with `--dry-run` would bring."""

    model: str
    source: str
    revision: str | None  # None: a directory has none
    commit: str | None  # None: the place does not tell
    url: str | None  # None: nothing on a hub answers to it
    endpoint: str | None  # the address that listed the files; None: none was asked, or nobody knows
    path: str
    dry_run: bool
    bytes: int
    downloaded_bytes: int  # with --dry-run: what would be downloaded
    files: tuple[FetchedFile, ...]
    attempts: tuple[PlaceTried, ...]
