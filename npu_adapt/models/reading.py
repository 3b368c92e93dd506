"""What the files of a model must be before anybody reads them: files, and the real ones."""

from __future__ import annotations

import os
from pathlib import Path

from npu_adapt.errors import ModelError, Sentence


def require_regular(folder: Path) -> None:
    """Raises `ModelError` where a file of the model is none: reading a pipe, a device or /proc/kmsg never ends."""
    kernel = _kernel_file_systems()
    try:
        odd = [
            file
            for file in folder.iterdir()
            if file.exists() and not file.is_dir() and (not file.is_file() or file.stat().st_dev in kernel)
        ]
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


def _kernel_file_systems() -> set[int]:
    """The devices of /proc and its like, whose files call themselves regular: a read of /proc/kmsg waits for news."""
    places = map(Path, ("/proc", "/sys", "/sys/kernel/debug", "/sys/kernel/tracing"))
    return {place.stat().st_dev for place in places if os.path.ismount(place)}


def is_lfs_pointer(path: Path) -> bool:
    """Whether the file only says where Git LFS keeps the real one."""
    prefix = b"version https://git-lfs.github.com/spec/v1"
    try:
        return path.is_file() and path.stat().st_size < 1024 and path.read_bytes().startswith(prefix)
    except OSError:
        return False
