"""Which files of a repository a model needs: its configuration, its processors, and one format of its weights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

# Files at the top of a repository. Code is brought because some configurations name it; nothing of it is run unless
# --trust-remote-code is given.
SMALL_FILES = ("*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja", "*.py")

# Beside modules.json, what sentence-transformers does after its transformer.
MODULE_FILES = r"\d+_\w+/config\.json"


@dataclass(frozen=True)
class WeightFormat:
    """How one format names its weights: a single file, or an index and the shards it lists."""

    single: str
    index: str
    shards: str
    any_name: str
    pickled: bool


# In the order of preference: the first one that a repository holds is taken, and no other.
WEIGHT_FORMATS = (
    WeightFormat(
        "model.safetensors",
        "model.safetensors.index.json",
        r"model-\d+-of-\d+\.safetensors",
        r"[^/]+\.safetensors",
        pickled=False,
    ),
    WeightFormat(
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
        r"pytorch_model-\d+-of-\d+\.bin",
        r"pytorch_model[^/]*\.bin",
        pickled=True,
    ),
)
GGUF_NAME = r"[^/]+\.gguf"  # of a language model's weights, expanded and proven; taken where it is the only one
ABSURD_BYTES = 1 << 44  # 16 TiB: more than any published model has
LONGEST_NAME = 255  # bytes of one part of a path, the limit of common file systems
INDICES = {form.index for form in WEIGHT_FORMATS} | {"tf_model.h5.index.json", "flax_model.msgpack.index.json"}


def needed_weights(names: Iterable[str], *, allow_pickle: bool) -> tuple[str, ...]:
    """The weight files, and the index where they are shards; empty where there are none that may be read."""
    present = set(names)
    for form in WEIGHT_FORMATS:
        if form.pickled and not allow_pickle:
            continue
        if form.single in present:
            return (form.single,)
        shards = sorted(name for name in present if re.fullmatch(form.shards, name))
        if form.index in present and shards:
            return (form.index, *shards)
        if named := sorted(name for name in present if re.fullmatch(form.any_name, name)):
            return tuple(named + [form.index] * (form.index in present))
    gguf = gguf_only(present)
    return () if gguf is None else (gguf,)


def gguf_only(names: Iterable[str]) -> str | None:
    """The one GGUF file at the top, where no other weights are; None: there is none, or nobody knows which is meant."""
    present = set(names)
    if any(re.fullmatch(form.any_name, name) for form in WEIGHT_FORMATS for name in present):
        return None
    found = [name for name in present if re.fullmatch(GGUF_NAME, name)]
    return found[0] if len(found) == 1 else None


def has_pickle(names: Iterable[str]) -> bool:
    """Whether there are weights that --allow-pickle would let one read."""
    return bool(
        needed_weights((name for name in names if not name.endswith((".safetensors", ".gguf"))), allow_pickle=True)
    )


def needed_files(
    names: Iterable[str], *, allow_pickle: bool = False, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> tuple[str, ...]:
    """The files to have of a repository that holds `names`, in order.

    `include` adds those that match one of its patterns (`onnx/*.onnx`; `*` also crosses folders), `exclude` then takes
    away.
    """
    names = tuple(names)
    wanted = set(needed_weights(filter(is_safe, names), allow_pickle=allow_pickle))
    for name in names:
        top = "/" not in name and name not in INDICES and _matches(name, SMALL_FILES)
        small = is_safe(name) and (top or ("modules.json" in names and re.fullmatch(MODULE_FILES, name) is not None))
        if small or _matches(name, include):
            wanted.add(name)
    return tuple(sorted(name for name in wanted if not _matches(name, exclude)))


def is_safe(name: str) -> bool:
    """Whether a name from a listing stays below the folder it is joined to, on every system, and can be shown."""
    parts = name.split("/")
    return name.isprintable() and all(
        part not in ("", ".", "..") and "\\" not in part and ":" not in part and len(part.encode()) <= LONGEST_NAME
        for part in parts
    )


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
