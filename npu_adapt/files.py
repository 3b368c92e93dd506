"""Files that others made, read without surprises: regular ones only, of a bounded size, and never a wait."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

SMALL_FILE = 1 << 20  # bytes: more than any configuration, version file or listing of a few lines needs

MOST_HOLES = 1000

_OTHER_TYPES = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegularFile(OSError):
    """The path names a folder, a named pipe, a socket or a device."""


class FileTooLarge(OSError):
    """The file holds more bytes than its reader accepts."""


def is_utf8(name: str | Path) -> bool:
    """Whether the name of a file, or an argument, is text: bytes that are none are halves of characters in it."""
    try:
        str(name).encode()
    except UnicodeEncodeError:
        return False
    return True


def exists(path: str | Path) -> bool:
    """Whether something is there that this user may know of; False for what no path can be. `Path.exists` raises."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: str | Path) -> bool:
    """Whether a regular file is there, as `exists`."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: str | Path) -> bool:
    """Whether a folder is there, as `exists`."""
    return os.path.isdir(path)  # noqa: PTH112


def open_regular(path: str | Path) -> BinaryIO:
    """The file, opened for reading.

    Raises `NotRegularFile` for whatever could block or never end, else what `open` raises. `strerror` of each is a
    clause that fits after the path. A path that no file can have is an OSError too, not a ValueError.
    """
    try:
        _require_regular(Path(path).stat(), path)  # before it is opened: opening a device may start something
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise OSError(errno.EINVAL, "not a path that a file can have", str(path)) from error
    file = os.fdopen(descriptor, "rb")
    try:
        _require_regular(os.fstat(descriptor), path)  # and after, in case another took its place
    except OSError:
        file.close()
        raise
    return file


def unwritten_bytes(path: str | Path) -> int:
    """How much of the file is holes, which nobody has written; 0 where its file system does not tell.

    Raises what `open_regular` raises. Programs that download in parts make a file of the whole size first.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        written = end = 0
        with suppress(OSError, AttributeError):  # ENXIO: no data any more; another system
            for _ in range(MOST_HOLES):
                begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
                end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
                written += end - begin
            return 0  # too many for a file that was not written to its end
    return size - written if hasattr(os, "SEEK_DATA") else 0


def read_regular(path: str | Path, limit: int = SMALL_FILE) -> bytes:
    """The bytes of a regular file that has at most `limit` of them.

    Raises `NotRegularFile`, `FileTooLarge`, and what reading raises: always an OSError.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        # Files of /proc and /sys say 0, and others grow: the size is a first answer, what is read the last.
        data = _read(file, limit + 1, path) if size <= limit else b""
    if size > limit or len(data) > limit:
        raise FileTooLarge(errno.EFBIG, f"larger than {limit} bytes", str(path))
    return data


def _read(file: BinaryIO, most: int, path: str | Path) -> bytes:
    """Piece by piece: a read of as much as is allowed would take that much memory first."""
    parts: list[bytes] = []
    while most > 0:
        part = file.read(min(most, SMALL_FILE))
        if part is None:  # a regular file of /proc that waits for somebody to write, such as kmsg
            raise BlockingIOError(errno.EAGAIN, "has no data yet", str(path))
        if not part:
            break
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _require_regular(status: os.stat_result, path: str | Path) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    name = next((name for matches, name in _OTHER_TYPES if matches(status.st_mode)), "no file")
    raise NotRegularFile(errno.EINVAL, f"{name}, not a regular file", str(path))
