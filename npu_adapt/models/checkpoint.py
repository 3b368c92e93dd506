"""The weight files of a checkpoint as named tensors: which files there are, and what their names are called.

A state that was saved from a wrapped model (`DataParallel`, `torch.compile`) carries the wrapper in its names. It is
taken off, and said so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from npu_adapt.errors import ModelCorrupt, ModelError, Sentence, first_line
from npu_adapt.files import read_regular
from npu_adapt.models.selection import is_safe
from npu_adapt.models.stored import REFETCH, StoredTensor, read_safetensors, unpickle
from npu_adapt.records import Fact

SAFETENSORS, SAFETENSORS_INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLE, PICKLE_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
MAX_INDEX_BYTES = 100_000_000
# What wraps a whole model stands first in every name, what wraps parts of one anywhere.
_WHOLE_WRAPPER = "module."
_PART_WRAPPERS = re.compile(r"(?:^|(?<=\.))(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_VARIANT = re.compile(r"model\.([A-Za-z0-9_-]+?)(?:-\d+-of-\d+)?\.safetensors")
# What every supported transformers reads from safetensors.
_READ_BY_ALL = {torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2}
_READ_BY_ALL |= {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool}
_Tensor = TypeVar("_Tensor", bound=StoredTensor)


@dataclass(frozen=True)
class Checkpoint:
    """All tensors of a checkpoint by name, and the files that hold them."""

    tensors: Mapping[str, StoredTensor]
    files: tuple[Path, ...]
    pickled: bool
    direct: bool = True  # whether transformers can read the files itself; else it is given `state`
    conversions: tuple[Fact, ...] = ()  # what was done to the names

    def state(self) -> dict[str, Tensor]:
        """All tensors in memory, those of a type that torch lacks left out."""
        return {name: tensor.whole() for name, tensor in self.tensors.items() if tensor.dtype is not None}


def open_checkpoint(path: Path, *, allow_pickle: bool) -> Checkpoint:
    """The checkpoint in the directory `path`; only headers are read of safetensors.

    Raises `ModelCorrupt` for a file that is cut, has a damaged header or misses a shard, and `ModelError` where there
    are no weights, or only pickled ones and `allow_pickle` is not set.
    """
    if files := _files(path, SAFETENSORS, SAFETENSORS_INDEX):
        tensors = all_tensors(files, read_safetensors)
        direct = _is_plain_index(path / SAFETENSORS_INDEX, files) and all(
            t.dtype in _READ_BY_ALL for t in tensors.values()
        )
        return unwrapped(Checkpoint(tensors, files, pickled=False, direct=direct))
    if files := _variant(path):
        return unwrapped(Checkpoint(all_tensors(files, read_safetensors), files, pickled=False, direct=False))
    if files := _files(path, PICKLE, PICKLE_INDEX):
        require_pickle_allowed(files[0], allowed=allow_pickle)
        direct = _is_plain_index(path / PICKLE_INDEX, files)
        return unwrapped(Checkpoint(all_tensors(files, unpickle), files, pickled=True, direct=direct))
    raise ModelError(
        Sentence("{path} holds no {safetensors} or {pickle}", path=path, safetensors=SAFETENSORS, pickle=PICKLE),
        hint="fetch the model again with all its files",
        kind="no-weights",
    )


def require_pickle_allowed(file: Path, *, allowed: bool) -> None:
    """Raises `ModelError` for a pickle that the user has not allowed."""
    if not allowed:
        raise ModelError(
            Sentence("the weights are a pickle ({files}), which can run code when it is read", files=file.name),
            hint="prefer a checkpoint with safetensors; if you trust this one, give --allow-pickle",
            kind="pickled",
        )


def _variant(path: Path) -> tuple[Path, ...]:
    """The files of the one variant (`model.fp16.safetensors`) of a folder without `model.safetensors`; empty: none.

    Raises `ModelError` where there are several: which one is meant nobody can tell.
    """
    variants: dict[str, list[Path]] = {}
    for file in sorted(path.iterdir()):
        if (match := _VARIANT.fullmatch(file.name)) and file.is_file():
            variants.setdefault(match[1], []).append(file)
    if len(variants) > 1:
        raise ModelError(
            Sentence("{path} holds several variants of the weights: {names}", path=path, names=", ".join(variants)),
            hint=Sentence("copy or link the one that is meant to {safetensors}", safetensors=SAFETENSORS),
        )
    return tuple(file for files in variants.values() for file in files)


def all_tensors(files: tuple[Path, ...], read: Callable[[Path], dict[str, _Tensor]]) -> dict[str, StoredTensor]:
    """The tensors of all files together."""
    tensors: dict[str, StoredTensor] = {}
    for file in files:
        tensors.update(read(file))
    return tensors


def _files(path: Path, single: str, index: str) -> tuple[Path, ...]:
    """The single file, else the shards that the index names; empty where there is neither."""
    if (path / single).is_file():
        return (path / single,)
    return shards_of(path / index) if (path / index).is_file() else ()


def shards_of(index: Path) -> tuple[Path, ...]:
    """The files that an index names. Raises `ModelCorrupt` where one is missing, or not in the index's folder."""
    names = _shard_names(index)
    outside = [name for name in names if not is_safe(name)]
    if outside:
        raise ModelCorrupt(
            Sentence(
                "{index} names a shard that is not in its folder: {outside!r}", index=index.name, outside=outside[0]
            ),
            hint=REFETCH,
        )
    shards = tuple(index.parent / name for name in names)
    missing = [shard.name for shard in shards if not shard.is_file()]
    if missing:
        raise ModelCorrupt(
            Sentence(
                "{index} names {count} shards; missing: {names}",
                index=index.name,
                count=len(shards),
                names=", ".join(missing),
            ),
            hint=REFETCH,
        )
    return shards


def _shard_names(index: Path) -> list[str]:
    try:
        names = json.loads(read_regular(index, MAX_INDEX_BYTES))["weight_map"].values()
        found = sorted({name if isinstance(name, str) else _refuse(name) for name in names})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ModelCorrupt(
            Sentence("{index} is not a weight index: {said}", index=index.name, said=first_line(error)), hint=REFETCH
        ) from error
    if not found:
        raise ModelCorrupt(Sentence("{index} is not a weight index: it names no shard", index=index.name), hint=REFETCH)
    return found


def _refuse(name: object) -> str:
    raise TypeError(f"a shard's name is a text, not {name!r}")


def _is_plain_index(index: Path, files: tuple[Path, ...]) -> bool:
    """Whether transformers reads these files: of an index it wants `metadata`, which it does not need."""
    if len(files) == 1 and files[0].name in (SAFETENSORS, PICKLE):
        return True
    return isinstance(json.loads(index.read_bytes()).get("metadata"), dict)


def unwrapped(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with the names that its model has when nothing is wrapped around it."""
    plain = {name: _PART_WRAPPERS.sub("", name) for name in checkpoint.tensors}
    wrappers = {wrapper for name in checkpoint.tensors for wrapper in _PART_WRAPPERS.findall(name)}
    if plain and all(name.startswith(_WHOLE_WRAPPER) for name in plain.values()):
        plain = {name: new.removeprefix(_WHOLE_WRAPPER) for name, new in plain.items()}
        wrappers.add(_WHOLE_WRAPPER)
    if not wrappers or len(set(plain.values())) < len(plain):
        return checkpoint
    changed = sum(name != new for name, new in plain.items())
    return Checkpoint(
        {plain[name]: tensor for name, tensor in checkpoint.tensors.items()},
        checkpoint.files,
        checkpoint.pickled,
        direct=False,
        conversions=(
            *checkpoint.conversions,
            Fact("unwrapped", {"prefixes": tuple(sorted(wrappers)), "tensors": changed}),
        ),
    )
