"""Reading others' files: whatever lies there, the answer is its bytes or an OSError, at once."""

import os
import socket
from pathlib import Path

import pytest

from npu_adapt.files import FileTooLarge, NotRegularFile, open_regular, read_regular, unwritten_bytes


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(b"{}\n")
    assert read_regular(file, 3) == b"{}\n"
    assert read_regular(str(file)) == b"{}\n"
    with open_regular(file) as stream:
        assert stream.read(1) == b"{"


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "sparse"
    with file.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(FileTooLarge) as raised:
        read_regular(file, 1 << 20)
    assert raised.value.strerror == "larger than 1048576 bytes"
    assert raised.value.filename == str(file)


def test_a_file_that_does_not_tell_its_size_is_bounded_by_what_is_read() -> None:
    assert Path("/proc/self/maps").stat().st_size == 0
    with pytest.raises(FileTooLarge):
        read_regular("/proc/self/maps", 16)
    assert read_regular("/proc/self/maps", 1 << 24)


def test_what_could_block_or_never_end_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        told = {}
        for path in (tmp_path, tmp_path / "pipe", tmp_path / "link", tmp_path / "socket", Path("/dev/zero")):
            with pytest.raises(NotRegularFile) as raised:
                read_regular(path)
            told[path.name] = raised.value.strerror
    assert told == {
        tmp_path.name: "a folder, not a regular file",
        "pipe": "a named pipe, not a regular file",
        "link": "a named pipe, not a regular file",
        "socket": "a socket, not a regular file",
        "zero": "a device, not a regular file",
    }


def test_what_is_not_there_is_what_it_always_was(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "nothing")


@pytest.mark.parametrize("path", ["a\0b", "\ud800"])
def test_a_path_that_no_file_can_have_is_an_oserror(path: str) -> None:
    with pytest.raises(OSError, match="not a path that a file can have"):
        read_regular(path)


def test_a_pipe_that_takes_the_place_of_the_file_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    opened = os.open

    def swapped(path: Path, flags: int) -> int:
        file.unlink()
        os.mkfifo(file)
        return opened(path, flags)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(NotRegularFile, match="named pipe"):
        read_regular(file)


def test_a_small_file_takes_little_memory_whatever_is_allowed(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "small"
    path.write_bytes(b"x" * 1000)
    tracemalloc.start()
    try:
        assert read_regular(path, 1 << 30) == b"x" * 1000
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_file_without_holes_is_written(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 100_000)
    (tmp_path / "y").touch()
    assert [unwritten_bytes(tmp_path / name) for name in "xy"] == [0, 0]
