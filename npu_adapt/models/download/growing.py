"""The hash of a file while it grows: one thread reads what another has written."""

from __future__ import annotations

from pathlib import Path
from threading import Condition
from types import TracebackType

from npu_adapt.models.hashing import PIECE_BYTES, FileHash, Hasher
from npu_adapt.threads import Work


class GrowingHash:
    """Hashes the file at `path`, which is to have `size` bytes in the end, up to where `reach` has said it is written.

    A context manager; leaving it ends the thread.
    """

    def __init__(self, path: Path, size: int, *, git: bool) -> None:
        self._path, self._size = path, size
        self._hasher = Hasher(size, git=git)
        self._changed = Condition()
        self._reached, self._ended = 0, False

    def reach(self, position: int) -> None:
        """So many bytes of the file are written."""
        with self._changed:
            self._reached = position
            self._changed.notify()

    def result(self) -> FileHash:
        """The hashes of all that was reached, once they are computed. Raises `OSError`."""
        self._end()
        self._work.result()
        state = self._path.stat()
        return FileHash(self._hasher.sha256, self._hasher.git_sha1, state.st_size, state.st_mtime_ns)

    def _read(self) -> None:
        done = 0
        buffer = memoryview(bytearray(min(PIECE_BYTES, max(1, self._size))))
        with self._path.open("rb", buffering=0) as file:
            while True:
                reached = self._more_than(done)
                if done >= reached:
                    return
                while done < reached:
                    count = file.readinto(buffer[: reached - done])
                    if not count:
                        raise OSError(f"{self._path} became shorter while it was written")
                    self._hasher.update(buffer[:count])
                    done += count

    def _more_than(self, done: int) -> int:
        """How far the file is written: beyond `done`, or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._reached > done or self._ended)
            return self._reached

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._work.wait()

    def __enter__(self) -> GrowingHash:
        self._work = Work(self._read)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._reached = 0 if error is not None else self._reached  # nobody wants the hash any more
        self._end()


def size_of(path: Path) -> int:
    """Bytes of the file; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
