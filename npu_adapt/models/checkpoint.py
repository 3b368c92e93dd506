"""The weight files of a checkpoint as named tensors, read in pieces so that no second copy of the weights exists.

The safetensors format (its README): 8 bytes little-endian N, N bytes of JSON {name: {dtype, shape, data_offsets}}, then
the tensors' bytes without gaps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from npu_adapt.errors import ModelCorrupt, ModelError
from npu_adapt.models.selection import is_safe

PIECE_BYTES = 4 << 20  # fits the second-level cache of current server processors with what it is compared to
SAFETENSORS, SAFETENSORS_INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLE, PICKLE_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
_MAX_HEADER_BYTES = 100_000_000  # the format's own limit
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_REFETCH = "fetch the model again: npu-adapt fetch MODEL, or npu-adapt models verify to see which file differs"


class StoredTensor(Protocol):
    """One tensor in a weight file."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> torch.dtype: ...
    @property
    def nbytes(self) -> int: ...

    def pieces(self) -> Iterator[Tensor]:
        """Its elements in row order as one-dimensional tensors, each valid until the next is asked for."""

    def whole(self) -> Tensor:
        """All of it, in its shape."""


@dataclass(frozen=True)
class SafetensorsTensor:
    """A tensor inside a safetensors file."""

    file: Path
    offset: int
    nbytes: int
    shape: tuple[int, ...]
    dtype: torch.dtype

    def pieces(self) -> Iterator[Tensor]:
        """Read into one small buffer: a mapping of the file would count as memory of the process."""
        if not self.nbytes:
            return
        buffer = bytearray(min(PIECE_BYTES, self.nbytes))
        with self.file.open("rb", buffering=0) as stream:
            stream.seek(self.offset)
            left = self.nbytes
            while left:
                view = memoryview(buffer)[: min(left, len(buffer))]
                filled = 0
                while filled < len(view):
                    got = stream.readinto(view[filled:])
                    if not got:
                        raise ModelCorrupt(f"{self.file.name} ends before its tensors do", hint=_REFETCH)
                    filled += got
                left -= filled
                yield torch.frombuffer(view, dtype=self.dtype)

    def whole(self) -> Tensor:
        """A copy."""
        parts = [piece.clone() for piece in self.pieces()]
        return (torch.cat(parts) if parts else torch.empty(0, dtype=self.dtype)).reshape(self.shape)


@dataclass(frozen=True)
class LoadedTensor:
    """A tensor of an unpickled file, which torch maps into memory."""

    tensor: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)

    @property
    def dtype(self) -> torch.dtype:
        return self.tensor.dtype

    @property
    def nbytes(self) -> int:
        return self.tensor.nbytes

    def pieces(self) -> Iterator[Tensor]:
        """All of it at once."""
        yield self.tensor.reshape(-1)

    def whole(self) -> Tensor:
        """The tensor itself."""
        return self.tensor


@dataclass(frozen=True)
class Checkpoint:
    """All tensors of a checkpoint by name, and the files that hold them."""

    tensors: Mapping[str, StoredTensor]
    files: tuple[Path, ...]
    pickled: bool


def open_checkpoint(path: Path, *, allow_pickle: bool) -> Checkpoint:
    """The checkpoint in the directory `path`; only headers are read of safetensors.

    Raises `ModelCorrupt` for a file that is cut, has a damaged header or misses a shard, and `ModelError` where there
    are no weights, or only pickled ones and `allow_pickle` is not set.
    """
    if files := _files(path, SAFETENSORS, SAFETENSORS_INDEX):
        tensors: dict[str, StoredTensor] = {}
        for file in files:
            tensors.update(_read_safetensors(file))
        return Checkpoint(tensors, files, pickled=False)
    if files := _files(path, PICKLE, PICKLE_INDEX):
        if not allow_pickle:
            raise ModelError(
                f"the weights are a pickle ({files[0].name}), which can run code when it is read",
                hint="prefer a checkpoint with safetensors; if you trust this one, give --allow-pickle",
            )
        return Checkpoint({k: v for file in files for k, v in _unpickle(file).items()}, files, pickled=True)
    raise ModelError(f"{path} holds no {SAFETENSORS} or {PICKLE}", hint="fetch the model again with all its files")


def _files(path: Path, single: str, index: str) -> tuple[Path, ...]:
    """The single file, else the shards that the index names; empty where there is neither."""
    if (path / single).is_file():
        return (path / single,)
    if not (path / index).is_file():
        return ()
    try:
        names = sorted(set(json.loads((path / index).read_bytes())["weight_map"].values()))
        outside = [name for name in names if not is_safe(name)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelCorrupt(f"{index} is not a weight index: {error}", hint=_REFETCH) from error
    if outside:
        raise ModelCorrupt(f"{index} names a shard that is not in its folder: {outside[0]!r}", hint=_REFETCH)
    shards = tuple(path / name for name in names)
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing:
        raise ModelCorrupt(f"{index} names {len(shards)} shards; missing: {', '.join(missing)}", hint=_REFETCH)
    return shards


def _read_safetensors(file: Path) -> dict[str, SafetensorsTensor]:
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, _MAX_HEADER_BYTES):
            raise ModelCorrupt(
                f"{file.name} is not a complete safetensors file: its header should have {length} bytes, "
                f"the file has {size}",
                hint=_REFETCH,
            )
        header = stream.read(length)
    try:
        entries: dict[str, Any] = json.loads(header)
        entries.pop("__metadata__", None)
        tensors = {name: _entry(file, 8 + length, entry) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelCorrupt(f"the header of {file.name} is damaged: {error!r}", hint=_REFETCH) from error
    _require_gapless(file, 8 + length, tensors, size)
    return tensors


def _entry(file: Path, start: int, entry: Mapping[str, Any]) -> SafetensorsTensor:
    begin, end = entry["data_offsets"]
    dtype, shape = _DTYPES[entry["dtype"]], tuple(entry["shape"])
    if end - begin != prod(shape) * dtype.itemsize:
        raise ValueError(f"a tensor of shape {list(shape)} and type {entry['dtype']} cannot have {end - begin} bytes")
    return SafetensorsTensor(file, start + begin, end - begin, shape, dtype)


def _require_gapless(file: Path, start: int, tensors: Mapping[str, SafetensorsTensor], size: int) -> None:
    end = start
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].offset, item[1].nbytes)):
        if tensor.offset != end:
            raise ModelCorrupt(f"the header of {file.name} is damaged: {name} is not where it must be", hint=_REFETCH)
        end += tensor.nbytes
    if end != size:
        state = "is cut short" if size < end else "has bytes that belong to no tensor"
        raise ModelCorrupt(f"{file.name} {state}: {size} bytes where its header tells {end}", hint=_REFETCH)


def _unpickle(file: Path) -> dict[str, LoadedTensor]:
    import pickle

    try:
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise ModelCorrupt(f"{file.name} is not a file of tensors alone: {first}", hint=_REFETCH) from error
    return {name: LoadedTensor(tensor) for name, tensor in state.items() if isinstance(tensor, Tensor)}
