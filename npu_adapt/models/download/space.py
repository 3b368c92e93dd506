"""Room for a download, and what a disk that refuses it is said to want."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from npu_adapt import rounding
from npu_adapt.errors import ModelError, Sentence

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def free_bytes(folder: Path) -> int:
    """Free space where `folder` is or would be made."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(existing).free


def require_room(folder: Path, needed: int, variable: str) -> None:
    """Raises `ModelError` where fewer than `needed` bytes are free."""
    if free_bytes(folder) < needed:
        raise refused(folder, needed, variable, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def refused(folder: Path, needed: int, variable: str, error: OSError) -> ModelError:
    """The error for a disk that took no more: what is needed, what is there, and the variable that moves the cache."""
    full = error.errno in NO_ROOM
    try:
        free = rounding.size(free_bytes(folder))
    except OSError:
        free = "an unknown amount"
    return ModelError(
        Sentence(
            "no space for the download in {folder}: {reason} ({needed} needed, {free} free)"
            if full
            else "cannot write the download in {folder}: {reason} ({needed} needed, {free} free)",
            folder=folder,
            reason=error.strerror or error,
            needed=rounding.size(needed),
            free=free,
        ),
        hint=Sentence(
            "free some space, or set {variable} to a folder elsewhere"
            if full
            else "make the folder writable, or set {variable} to a folder elsewhere",
            variable=variable,
        ),
        kind="no-space" if full else None,
    )
