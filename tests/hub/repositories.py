"""What the hub for tests serves: the files of a model, their sums, and who may have them."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

LFS_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".onnx", ".gguf", ".h5", ".msgpack")
BRANCHES = {"huggingface": "main", "modelscope": "master"}


@dataclass(frozen=True)
class Sums:
    """A file's size in bytes, its sha256, and the sha1 that git gives its blob; hexadecimal."""

    size: int
    sha256: str
    git_sha1: str


@dataclass(frozen=True)
class HubFile:
    """A file under its name in the repository: `name` is whatever a hub might claim, and need not be a safe path."""

    name: str
    content: Path | bytes

    @property
    def is_lfs(self) -> bool:
        return self.name.endswith(LFS_SUFFIXES)

    def open(self) -> BinaryIO:
        return self.content.open("rb") if isinstance(self.content, Path) else io.BytesIO(self.content)

    def sums(self) -> Sums:
        if isinstance(self.content, bytes):
            return _sums(io.BytesIO(self.content), len(self.content))
        stat = self.content.stat()
        return _sums_of_path(self.content, stat.st_size, stat.st_mtime_ns)


@dataclass(frozen=True)
class Repository:
    """A model on a hub: its revisions, and the token that opens it."""

    revisions: Mapping[str, Mapping[str, HubFile]]  # by branch or tag, then by name
    opened_by: str | None = None  # None: everybody may download
    gate: int = 403  # status that a reader with another token gets; without a token it is 401
    trees: Mapping[str, Mapping[str, HubFile]] = field(init=False)

    def __post_init__(self) -> None:
        commits = {commit(files): files for files in self.revisions.values()}
        object.__setattr__(self, "trees", {**commits, **self.revisions})

    def opens_to(self, token: str | None) -> bool:
        return self.opened_by is None or token == self.opened_by


def commit(files: Mapping[str, HubFile]) -> str:
    """The forty digits that stand for exactly these files."""
    tree = "".join(f"{name} {file.sums().git_sha1}\n" for name, file in sorted(files.items()))
    return hashlib.sha1(tree.encode()).hexdigest()


def files_of(directory: Path, more: Mapping[str, bytes] | None = None) -> dict[str, HubFile]:
    """Every file below `directory`, hidden ones left out, and those of `more` under the names it gives them."""
    paths = (path.relative_to(directory) for path in sorted(directory.rglob("*")) if path.is_file())
    names = [path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)]
    contents: dict[str, Path | bytes] = {name: directory / name for name in names}
    return {name: HubFile(name, content) for name, content in (contents | dict(more or {})).items()}


@functools.cache
def _sums_of_path(path: Path, size: int, mtime_ns: int) -> Sums:
    with path.open("rb") as source:
        return _sums(source, size)


def _sums(source: BinaryIO, size: int) -> Sums:
    sha256, git = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size)
    while block := source.read(1 << 20):
        sha256.update(block)
        git.update(block)
    return Sums(size, sha256.hexdigest(), git.hexdigest())
