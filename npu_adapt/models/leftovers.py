"""Tensors of a checkpoint that its model does not use: mostly another head, sometimes what the used ones need.

A scale, a zero point, a bias or an adapter beside a used weight means that the weight alone is not the model's; layers
beyond those that the configuration builds mean that the model is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from npu_adapt.models.stored import StoredTensor
from npu_adapt.records import Fact

ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
NAMES_KEPT = 20  # of a doubt; the record lists all unexpected tensors anyway
# The last part of a name that says what a tensor does to the weight beside it.
_DECIDES = re.compile(
    r"scale|packed|zero|offset|qweight|g_idx|absmax|quant|SCB|lora|adapter|deq|amax|shift|(^|_)bias$", re.I
)


@dataclass(frozen=True)
class Leftovers:
    """What the unused tensors mean."""

    needed: tuple[str, ...]  # they scale, shift or replace a used weight
    doubts: tuple[Fact, ...]


def judge_leftovers(
    module: Any, unexpected: Iterable[str], used: Collection[str], tensors: Mapping[str, StoredTensor]
) -> Leftovers:
    """What the checkpoint's `unexpected` names mean beside those in `used`, found or missing."""
    known = _declared(module)
    names = [name for name in unexpected if not known(name)]
    attached = [name for name in names if _stands_at_a_weight(name, used)]
    needed = tuple(
        name for name in attached if _DECIDES.search(_after_weight(name, used)) and not _is_nothing(tensors[name])
    )
    patterns = {_without_numbers(name) for name in used}
    beyond = [name for name in names if re.search(r"\.\d+\.", name) and _without_numbers(name) in patterns]
    doubts = []
    if beyond:
        layers = tuple(sorted({_layer(name) for name in beyond})[:NAMES_KEPT])
        doubts.append(Fact("layers-unused", {"layers": layers, "tensors": len(beyond)}))
    within = _within_layers([name for name in names if name not in {*attached, *beyond}], used, tensors)
    others = tuple(name for name in (*attached, *within) if name not in needed and not _is_nothing(tensors[name]))
    if others:
        doubts.append(Fact("attached-unused", {"names": others[:NAMES_KEPT], "tensors": len(others)}))
    return Leftovers(needed, tuple(doubts))


def _within_layers(names: Iterable[str], used: Collection[str], tensors: Mapping[str, StoredTensor]) -> Iterator[str]:
    """Those that are matrices of parts of numbered layers whose other parts are used: relative positions, for one."""
    parts = {".".join(each.split(".")[:count]) for each in used for count in range(1, each.count(".") + 1)}
    for name in names:
        owner = ".".join(name.split(".")[:-2])
        if len(tensors[name].shape) > 1 and owner in parts and re.search(r"\.\d+(\.|$)", owner):
            yield name


def adapters_beside(path: Path) -> tuple[Fact, ...]:
    """Doubts for adapter files in the checkpoint's folder: nothing reads them."""
    files = tuple(name for name in ADAPTERS if (path / name).is_file())
    return (Fact("adapter-unused", {"files": files}),) if files else ()


def _declared(module: Any) -> Callable[[str], bool]:
    """Whether transformers declares for this class that a name may be left over."""
    patterns = getattr(module, "_keys_to_ignore_on_load_unexpected", None) or ()
    return lambda name: any(re.search(pattern, name) is not None for pattern in patterns)


def _weight_of(name: str, used: Collection[str]) -> str | None:
    """The used weight that the tensor stands beside or below: the longest such prefix. None: there is none."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        prefix = ".".join(parts[:length])
        if f"{prefix}.weight" in used or prefix in used:
            return prefix
    return None


def _stands_at_a_weight(name: str, used: Collection[str]) -> bool:
    return _weight_of(name, used) is not None


def _after_weight(name: str, used: Collection[str]) -> str:
    return name.removeprefix(_weight_of(name, used) or "").removeprefix(".")


def _is_nothing(tensor: StoredTensor) -> bool:
    """Whether adding the tensor would change nothing: zeros, or no elements."""
    if tensor.dtype is None:
        return False
    return all(not bool(piece.any()) for piece in tensor.pieces() if piece.dtype.itemsize > 1 or piece.dtype.is_signed)


def _without_numbers(name: str) -> str:
    return re.sub(r"(?<=\.)\d+(?=\.)", "#", name)


def _layer(name: str) -> str:
    """The name up to its first number: model.layers.3"""
    found = re.match(r"(.*?\.\d+)\.", name)
    return found[1] if found else name
