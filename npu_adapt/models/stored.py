"""Tensors in weight files, read in pieces so that no second copy of the weights exists.

The safetensors format (its README): 8 bytes little-endian N, N bytes of JSON {name: {dtype, shape, data_offsets}}, then
the tensors' bytes without gaps.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, Protocol

import torch
from torch import Tensor

from npu_adapt.errors import ModelCorrupt, Sentence, first_line
from npu_adapt.models.reading import is_lfs_pointer
from npu_adapt.numerics.formats import dtype_name

PIECE_BYTES = 4 << 20  # fits the second-level cache of current server processors with what it is compared to
REFETCH = "fetch the model again: npu-adapt fetch MODEL, or npu-adapt models verify to see which file differs"
_MAX_HEADER_BYTES = 100_000_000  # the format's own limit
# The format's name of a type -> (bits of an element, torch's name of the type). None: torch has none; an older torch
# lacks some of the others. Such a tensor can lie in a file, and be no model's parameter.
_TYPES: dict[str, tuple[int, str | None]] = {
    "F64": (64, "float64"),
    "F32": (32, "float32"),
    "F16": (16, "float16"),
    "BF16": (16, "bfloat16"),
    "F8_E4M3": (8, "float8_e4m3fn"),
    "F8_E5M2": (8, "float8_e5m2"),
    "F8_E4M3FNUZ": (8, "float8_e4m3fnuz"),
    "F8_E5M2FNUZ": (8, "float8_e5m2fnuz"),
    "F8_E8M0": (8, "float8_e8m0fnu"),
    "F6_E2M3": (6, None),
    "F6_E3M2": (6, None),
    "F4": (4, None),  # torch packs two into one element
    "C64": (64, "complex64"),
    "C128": (128, "complex128"),
    "I64": (64, "int64"),
    "I32": (32, "int32"),
    "I16": (16, "int16"),
    "I8": (8, "int8"),
    "U64": (64, "uint64"),
    "U32": (32, "uint32"),
    "U16": (16, "uint16"),
    "U8": (8, "uint8"),
    "BOOL": (8, "bool"),
}


class StoredTensor(Protocol):
    """One tensor in a weight file."""

    @property
    def file(self) -> Path: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> torch.dtype | None:
        """None: torch has no such type."""

    @property
    def type_name(self) -> str: ...
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
    dtype: torch.dtype | None
    type_name: str

    def pieces(self) -> Iterator[Tensor]:
        """Read into one small buffer: a mapping of the file would count as memory of the process."""
        if not self.nbytes:
            return
        dtype = self._known_type()
        buffer = bytearray(min(PIECE_BYTES, self.nbytes))
        with self.file.open("rb", buffering=0) as stream:
            stream.seek(self.offset)
            left = self.nbytes
            while left:
                view = memoryview(buffer)[: min(left, len(buffer))]
                self._fill(stream, view)
                left -= len(view)
                yield torch.frombuffer(view, dtype=dtype)

    def whole(self) -> Tensor:
        """A copy, read straight into its place."""
        tensor = torch.empty(self.shape, dtype=self._known_type())
        if self.nbytes:
            with self.file.open("rb", buffering=0) as stream:
                stream.seek(self.offset)
                self._fill(stream, tensor.reshape(-1).view(torch.uint8).numpy().data)
        return tensor

    def _known_type(self) -> torch.dtype:
        if self.dtype is None:
            raise TypeError(f"torch has no type {self.type_name}")
        return self.dtype

    def _fill(self, stream: IO[bytes], view: memoryview) -> None:
        filled = 0
        while filled < len(view):
            got = stream.readinto(view[filled:])  # type: ignore[attr-defined]
            if not got:
                raise ModelCorrupt(Sentence("{file} ends before its tensors do", file=self.file.name), hint=REFETCH)
            filled += got


@dataclass(frozen=True)
class LoadedTensor:
    """A tensor of an unpickled file, which torch maps into memory."""

    tensor: Tensor
    file: Path

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)

    @property
    def dtype(self) -> torch.dtype:
        return self.tensor.dtype

    @property
    def type_name(self) -> str:
        return dtype_name(self.tensor.dtype)

    @property
    def nbytes(self) -> int:
        return self.tensor.nbytes

    def pieces(self) -> Iterator[Tensor]:
        """All of it at once."""
        yield self.tensor.reshape(-1)

    def whole(self) -> Tensor:
        """The tensor itself."""
        return self.tensor


def require_content(file: Path) -> None:
    """Raises `ModelCorrupt` for a file of Git LFS that only says where the real one is kept."""
    if is_lfs_pointer(file):
        raise ModelCorrupt(
            Sentence("{file} is a Git LFS pointer, not the weights themselves", file=file.name),
            hint="run git lfs pull in its repository, or fetch the model: npu-adapt fetch MODEL",
        )


def read_safetensors(file: Path) -> dict[str, SafetensorsTensor]:
    """The tensors of a file, of which only the header is read. Raises `ModelCorrupt`."""
    require_content(file)
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, _MAX_HEADER_BYTES):
            raise ModelCorrupt(
                Sentence(
                    "{file} is not a complete safetensors file: its header should have {length} bytes, the file has "
                    "{size}",
                    file=file.name,
                    length=length,
                    size=size,
                ),
                hint=REFETCH,
            )
        header = stream.read(length)
    try:
        entries: dict[str, Any] = json.loads(header)
        entries.pop("__metadata__", None)
        tensors = {name: _entry(file, 8 + length, entry) for name, entry in entries.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise _damaged(file, first_line(error)) from error
    _require_gapless(file, 8 + length, tensors, size)
    return tensors


def _damaged(file: Path, said: str) -> ModelCorrupt:
    return ModelCorrupt(Sentence("the header of {file} is damaged: {said}", file=file.name, said=said), hint=REFETCH)


def _entry(file: Path, start: int, entry: Mapping[str, Any]) -> SafetensorsTensor:
    begin, end = entry["data_offsets"]
    kind, shape = str(entry["dtype"]), tuple(entry["shape"])
    if any(isinstance(number, bool) or not isinstance(number, int) or number < 0 for number in (begin, end, *shape)):
        raise _damaged(file, Sentence("sizes and offsets are whole numbers from 0 on, not {entry}", entry=entry))
    bits, torch_name = _TYPES.get(kind, (None, None))
    if end < begin or (bits is not None and 8 * (end - begin) != prod(shape) * bits):
        said = Sentence(
            "a tensor of shape {shape} and type {kind} cannot have {size} bytes",
            shape=list(shape),
            kind=kind,
            size=end - begin,
        )
        raise _damaged(file, said)
    dtype = getattr(torch, torch_name, None) if torch_name else None
    return SafetensorsTensor(file, start + begin, end - begin, shape, dtype, torch_name or kind)


def _require_gapless(file: Path, start: int, tensors: Mapping[str, SafetensorsTensor], size: int) -> None:
    end = start
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].offset, item[1].nbytes)):
        if tensor.offset != end:
            raise ModelCorrupt(
                Sentence("the header of {file} is damaged: {name} is not where it must be", file=file.name, name=name),
                hint=REFETCH,
            )
        end += tensor.nbytes
    if end != size:
        raise ModelCorrupt(
            Sentence(
                "{file} is cut short: {size} bytes where its header tells {end}"
                if size < end
                else "{file} has bytes that belong to no tensor: {size} bytes where its header tells {end}",
                file=file.name,
                size=size,
                end=end,
            ),
            hint=REFETCH,
        )


def unpickle(file: Path) -> dict[str, LoadedTensor]:
    """The tensors of a file that torch wrote. Raises `ModelCorrupt` for one that holds anything else."""
    return tensors_in(load_pickle(file), file)


def load_pickle(file: Path) -> Mapping[Any, Any]:
    """What a file that torch wrote holds by name. Raises `ModelCorrupt` for one that holds more than tensors and texts.

    Files from before torch 1.6 are no zip archives, and cannot be mapped into memory.
    """
    require_content(file)
    try:
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except Exception as error:  # the unpickler raises whatever the file leads it to
        message = Sentence("{file} is not a file of tensors alone: {said}", file=file.name, said=first_line(error))
        raise ModelCorrupt(message, hint=REFETCH) from error
    if not isinstance(state, Mapping):
        raise ModelCorrupt(
            Sentence("{file} holds a {type}, not tensors by name", file=file.name, type=type(state).__name__),
            hint="weights are saved with torch.save(model.state_dict(), …), or as safetensors",
        )
    return state


def tensors_in(state: Mapping[Any, Any], file: Path) -> dict[str, LoadedTensor]:
    """The tensors among what an unpickled file holds."""
    return {str(name): LoadedTensor(tensor, file) for name, tensor in state.items() if isinstance(tensor, Tensor)}
