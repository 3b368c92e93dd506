"""Files of others, read whole: only regular ones of a bounded size, so that no pipe or device holds a run up."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from npu_adapt.errors import ModelError, Sentence


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Raises `OSError` whose `strerror` says what it is else."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(file.fileno())
        if stat.S_ISDIR(state.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe, a device or a socket, not a regular file", str(path))
        if state.st_size > limit:
            raise OSError(errno.EFBIG, f"it has {state.st_size} bytes; at most {limit} are read", str(path))
        return file.read(limit + 1)[:limit]


def require_regular(folder: Path) -> None:
    """Raises `ModelError` where a file of the model is a pipe, a device or a socket: reading it would never end."""
    try:
        odd = [file for file in folder.iterdir() if not (file.is_file() or file.is_dir()) and file.exists()]
    except OSError as error:
        raise ModelError(
            Sentence("{folder} cannot be read: {reason}", folder=folder, reason=error.strerror),
            hint="look at its owner and rights",
        ) from error
    if odd:
        raise ModelError(
            Sentence("{odd} is not a regular file", odd=odd[0]),
            hint="a model's files are files; take it out of the folder",
        )


def is_lfs_pointer(path: Path) -> bool:
    """Whether the file only says where Git LFS keeps the real one."""
    prefix = b"version https://git-lfs.github.com/spec/v1"
    try:
        return path.is_file() and path.stat().st_size < 1024 and path.read_bytes().startswith(prefix)
    except OSError:
        return False
