"""Where on this disk a model may be, and whether it is whole there. No torch.

Layouts: a directory in the Hugging Face format; a root of `ORG/NAME` directories; the Hugging Face cache
(`models--ORG--NAME/snapshots/COMMIT`); ModelScope's (`models/ORG--NAME/snapshots/REVISION`, and before 1.37
`[hub/]models/ORG/NAME` with `.` written `___`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from npu_adapt.models.selection import WEIGHT_FORMATS, has_pickle, needed_weights
from npu_adapt.records.registry import RegistryEntry

ABSURD_BYTES = 1 << 44  # 16 TiB: more than any published model has
PARTIAL = ".npu-adapt.incomplete"  # the ending of a partial blob in the Hugging Face cache
UNFINISHED = ".npu-adapt"  # the folder of partial files in a repository of ModelScope's cache
LONGEST_HEADER = 100_000_000  # bytes; the limit of the safetensors format
DEFAULT_BRANCHES = {"huggingface": "main", "modelscope": "master"}


@dataclass(frozen=True)
class Place:
    """A directory where a model may be."""

    path: Path
    source: str  # modelscope | huggingface | directory | builtin
    branch: str | None  # the revision as one asks a hub for it; None: the place does not tell
    commit: str | None  # None: the place does not tell


def huggingface_cache() -> Path:
    """Where huggingface_hub keeps its repositories, by the same variables as it."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(named or Path(home, "hub")).expanduser().absolute()


def modelscope_cache() -> Path:
    """Where modelscope keeps its repositories, by the same variable as it."""
    return Path(os.environ.get("MODELSCOPE_CACHE") or "~/.cache/modelscope").expanduser().absolute()


def huggingface_folder(model: str) -> Path:
    """The folder of one repository in the Hugging Face cache."""
    return huggingface_cache() / f"models--{model.replace('/', '--')}"


def modelscope_folder(model: str) -> Path:
    """The folder of one repository in ModelScope's cache."""
    return modelscope_cache() / "models" / model.replace("/", "--")


def huggingface_places(model: str, revision: str | None) -> Iterator[Place]:
    folder, branch = huggingface_folder(model), revision or DEFAULT_BRANCHES["huggingface"]
    reference = folder / "refs" / branch
    commit = reference.read_text().strip() if reference.is_file() else branch
    yield Place(folder / "snapshots" / commit, "huggingface", branch, commit)


def modelscope_places(model: str, revision: str | None) -> Iterator[Place]:
    cache, branch = modelscope_cache(), revision or DEFAULT_BRANCHES["modelscope"]
    for root in (cache, cache / "hub"):
        yield Place(root / "models" / model.replace("/", "--") / "snapshots" / branch, "modelscope", branch, None)
    if revision not in (None, DEFAULT_BRANCHES["modelscope"]):
        return  # the old layouts hold one revision and do not say which
    for folder in (cache / "models", cache / "hub" / "models", cache / "hub"):
        yield Place(folder / model.replace(".", "___"), "modelscope", branch, None)


CACHES: dict[str, Callable[[str, str | None], Iterator[Place]]] = {
    "modelscope": modelscope_places,
    "huggingface": huggingface_places,
}


def registered_place(entry: RegistryEntry) -> Place:
    """The place that the registry remembers."""
    return Place(Path(entry.path), entry.source, entry.revision, entry.commit)


def answers(entry: RegistryEntry, *, revision: str | None, source: str) -> bool:
    """Whether the entry of a model is the one meant. Without a revision a hub's default branch is."""
    if source not in ("auto", entry.source) and entry.source in CACHES:
        return False
    if revision is None:
        return entry.revision in (None, DEFAULT_BRANCHES.get(entry.source))
    return revision in (entry.revision, entry.commit)


def why_not(place: Place, *, allow_pickle: bool) -> str | None:
    """Why the place holds no model; None: it does. Headers and hashes are looked at when it is loaded."""
    path = place.path
    if not path.is_dir():
        return "not there"
    config = path / "config.json"
    if not config.is_file():
        return "no config.json"
    try:
        if not isinstance(json.loads(config.read_bytes()), dict):
            return "config.json is not an object"
    except ValueError as error:
        return f"config.json is damaged: {error}"
    names = [file.name for file in path.iterdir() if file.is_file()]
    weights = needed_weights(names, allow_pickle=allow_pickle)
    if not weights:
        return "only pickled weights, which --allow-pickle would read" if has_pickle(names) else "no weights"
    # In a hub's cache a download may have been cut off; a directory is as its owner made it, and loading judges it.
    return why_incomplete(path) if place.source in CACHES else None


def why_incomplete(path: Path) -> str | None:
    """What the weights in a folder lack of what their index and headers name; None: nothing."""
    names = {file.name for file in path.iterdir() if file.is_file()}
    for form in WEIGHT_FORMATS:
        if form.index in names and form.single not in names and (reason := _index_fault(path / form.index, names)):
            return reason
    short = sorted(name for name in names if name.endswith(".safetensors") and _is_short(path / name))
    return f"incomplete: {short[0]} is cut short, or no safetensors file" if short else None


def _index_fault(index: Path, names: set[str]) -> str | None:
    """What is wrong with an index of shards; None: nothing."""
    try:
        content = msgspec.json.decode(index.read_bytes(), type=_Index)
    except msgspec.DecodeError as error:
        return f"{index.name} is damaged: {error}"
    shards = set(content.weight_map.values())
    total = content.metadata.get("total_size", 0)
    if not isinstance(total, (int, float)) or not 0 <= total <= ABSURD_BYTES:
        return f"{index.name} claims an absurd size"
    missing = sorted(shards - names)
    return f"incomplete: {len(missing)} of {len(shards)} shards are missing, {missing[0]} first" if missing else None


class _Index(msgspec.Struct):
    weight_map: dict[str, str]
    metadata: dict[str, Any] = {}


def _is_short(file: Path) -> bool:
    """Whether a safetensors file ends before the last tensor that its header names."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > min(size - 8, LONGEST_HEADER):
            return True
        ends = re.findall(rb'"data_offsets"\s*:\s*\[\s*\d+\s*,\s*(\d+)\s*\]', stream.read(length))
    return 8 + length + max(map(int, ends), default=0) > size
