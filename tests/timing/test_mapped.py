"""Pages of mapped files: what is given back, and what is not the file's any more."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import pytest

from npu_adapt.timing.mapped import give_back, mappings

SIZE = 4 << 20


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "a file of weights.safetensors"
    file.write_bytes(bytes(range(256)) * (SIZE // 256))
    return file.resolve()


@pytest.fixture
def mapped(weights: Path) -> Iterator[mmap.mmap]:
    """The file as torch maps it: to be written into by this process alone."""
    with weights.open("rb") as stream, mmap.mmap(stream.fileno(), SIZE, access=mmap.ACCESS_COPY) as made:
        yield made


def test_pages_that_were_read_are_given_back_and_read_again(weights: Path, mapped: mmap.mmap) -> None:
    assert sum(mapped[:: mmap.PAGESIZE]) == 0
    (before,) = mappings([weights])
    assert (before.length, before.resident_bytes, before.own_bytes) == (SIZE, SIZE, 0)
    assert give_back([weights]) == SIZE
    (after,) = mappings([weights])
    assert after.resident_bytes == 0
    assert mapped[1000:1004] == bytes([232, 233, 234, 235])


def test_a_mapping_that_was_written_into_keeps_what_was_written(weights: Path, mapped: mmap.mmap) -> None:
    mapped[1000] = 7
    assert give_back([weights]) == 0
    assert mapped[1000] == 7


def test_other_files_and_systems_that_tell_nothing_have_no_mappings(tmp_path: Path, mapped: mmap.mmap) -> None:
    assert not list(mappings([tmp_path / "other"]))
    assert not list(mappings([tmp_path], tmp_path / "none"))
