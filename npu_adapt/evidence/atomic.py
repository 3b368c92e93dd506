"""Files that are whole or not there: written beside their place, and renamed into it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path


def utc_now() -> str:
    """This moment as ISO 8601 in UTC with milliseconds: 2026-01-31T12:00:00.000Z."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_atomically(path: Path, data: bytes, *, durable: bool = True) -> None:
    """`path` holds either what it held before or all of `data`, whatever happens meanwhile.

    Without `durable` it does not wait for the disk: behind a download that would mean to wait for all of its bytes.
    """
    write_together({path: data}, durable=durable)


def write_together(files: Mapping[Path, bytes], *, durable: bool = True) -> None:
    """All files, each whole. Nothing is replaced before there is room for all of them; the last one is renamed last."""
    staged: list[tuple[Path, Path]] = []
    try:
        for path, data in files.items():
            staged.append((_staged(path, data, durable=durable), path))
        for temporary, path in staged:
            temporary.replace(path)
    except BaseException:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
        raise


def _staged(path: Path, data: bytes, *, durable: bool) -> Path:
    """A file beside `path` that holds `data`."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(0o644)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary
