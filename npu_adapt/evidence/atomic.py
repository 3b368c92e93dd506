"""Files that are whole or not there: written beside their place, and renamed into it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timezone
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO

STAGED = ".npu-adapt"  # the ending of a file that is to be renamed into its place


def utc_now() -> str:
    """This moment as ISO 8601 in UTC with milliseconds: 2026-01-31T12:00:00.000Z."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """`path` holds either what it held before or all of `data`, whatever happens meanwhile.

    Without `durable` it does not wait for the disk: behind a download that would mean to wait for all of its bytes.
    """
    write_together({path: data}, durable=durable)


def write_together(files: Mapping[Path, bytes], *, durable: bool = True) -> None:
    """All files, each whole. Nothing is replaced before there is room for all of them; the last one is renamed last.

    What writers that were killed have left beside them is removed.
    """
    with ExitStack() as open_files:
        staged = []
        for path, data in files.items():
            _remove_abandoned(path)
            staged.append((open_files.enter_context(_staged(path, data, durable=durable)), path))
        for temporary, path in staged:
            temporary.replace(path)


@contextmanager
def _staged(path: Path, data: bytes, *, durable: bool) -> Iterator[Path]:
    """A file beside `path` that holds `data`, locked as long as its writer lives; removed in the end if still there."""
    file, temporary = _locked_file(path)
    try:
        with file:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _locked_file(path: Path) -> tuple[IO[bytes], Path]:
    while True:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=STAGED)
        file, temporary = os.fdopen(descriptor, "wb"), Path(name)
        with suppress(OSError):  # a file system without locks
            flock(descriptor, LOCK_EX | LOCK_NB)
        if temporary.exists():  # else another writer took it for abandoned before it was locked
            return file, temporary
        file.close()


def _remove_abandoned(path: Path) -> None:
    """Removes files that were to be renamed to `path` and whose writers live no longer: nobody holds their locks."""
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            ours = entry.name.startswith(f".{path.name}.") and entry.name.endswith(STAGED)
            if not (ours and entry.is_file(follow_symlinks=False)):
                continue
            with suppress(OSError), open(entry.path, "rb") as file:  # noqa: PTH123 - an entry is no Path
                flock(file, LOCK_EX | LOCK_NB)
                os.unlink(entry.path)  # noqa: PTH108
