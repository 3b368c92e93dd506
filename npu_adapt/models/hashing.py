"""Hashes of files: sha256 of everything, and git's sha1 where a hub lists nothing else. No torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from npu_adapt.files import open_regular
from npu_adapt.threads import Parallel

PIECE_BYTES = 1 << 20  # hashlib frees the interpreter's lock for the length of a piece

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
LONGEST_POINTER = 1024  # bytes, by the specification of Git LFS

Advance = Callable[[float], object]


@dataclass(frozen=True)
class FileHash:
    """A file's hashes and its state when they were computed."""

    sha256: str
    git_sha1: str  # sha1 of "blob SIZE\\0" and the bytes: git's name for the content
    bytes: int
    modified_ns: int
    is_pointer: bool = False  # the file is what Git LFS leaves where the file itself was not brought


@dataclass(frozen=True)
class Listed:
    """A file's hash as a hub lists it: sha256, else git's sha1. Both None: it lists none."""

    sha256: str | None
    git_sha1: str | None

    def matches(self, found: FileHash) -> bool | None:
        """Whether the file is the listed one; None: the listing does not tell."""
        if self.sha256 is not None:
            return self.sha256 == found.sha256
        if self.git_sha1 is not None:
            return self.git_sha1 == found.git_sha1
        return None


class Hasher:
    """Both hashes of one stream of `size` bytes; git's only where it is wanted, since it costs as much again."""

    def __init__(self, size: int, *, git: bool) -> None:
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False) if git else None

    def update(self, data: memoryview | bytes) -> None:
        self._sha256.update(data)
        if self._git is not None:
            self._git.update(data)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def git_sha1(self) -> str:
        """Empty where it was not wanted."""
        return "" if self._git is None else self._git.hexdigest()


def hash_file(path: Path, *, git: bool = False, advance: Advance = lambda amount: None) -> FileHash:
    """The hashes of a file; `advance` is told of the bytes read. Raises `OSError`.

    Size and time are those from before the first byte was read: a change meanwhile shows as a change later.
    """
    with open_regular(path) as file:
        state = os.fstat(file.fileno())
        hasher = Hasher(state.st_size, git=git)
        buffer = memoryview(bytearray(min(PIECE_BYTES, max(1, state.st_size))))
        is_pointer = False
        while count := file.readinto(buffer):  # type: ignore[attr-defined]
            is_pointer = state.st_size <= LONGEST_POINTER and bytes(buffer[: len(LFS_POINTER)]) == LFS_POINTER
            hasher.update(buffer[:count])
            advance(count)
    return FileHash(hasher.sha256, hasher.git_sha1, state.st_size, state.st_mtime_ns, is_pointer)


def is_pointer(file: Path) -> bool:
    """Whether the file is the pointer that Git LFS leaves where the file itself was not brought. Raises `OSError`."""
    if file.stat().st_size > LONGEST_POINTER:
        return False
    with open_regular(file) as stream:
        return stream.read(len(LFS_POINTER)) == LFS_POINTER


def hash_files(
    paths: Iterable[Path], advance: Advance, meanwhile: Callable[[], object] = lambda: None
) -> Iterator[tuple[Path, FileHash | OSError]]:
    """Every path with its hashes, or with why it could not be read, as they are done; one thread a core.

    The largest files come first, so that no core is left with a large one at the end. `meanwhile` is called when the
    threads are at work.
    """
    ordered = sorted(set(paths), key=size_of, reverse=True)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    running = Parallel([partial(_hash_or_error, path, advance) for path in ordered], cores)
    try:
        meanwhile()
        for number, found in running:
            yield ordered[number], found
    finally:
        running.stop.set()


def _hash_or_error(path: Path, advance: Advance) -> FileHash | OSError:
    try:
        return hash_file(path, advance=advance)
    except OSError as error:
        return error


def size_of(path: Path) -> int:
    """Bytes of the file; 0 where it cannot be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
