"""Where on this disk a model may be, and whether it is whole there. No torch.

Layouts: a directory in the Hugging Face format; a root of `ORG/NAME` directories; and the caches of the hubs' clients,
which the hubs' own modules know.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from npu_adapt.errors import Sentence
from npu_adapt.files import open_regular, read_regular, unwritten_bytes
from npu_adapt.models.hashing import is_pointer
from npu_adapt.models.hubs import HUBS
from npu_adapt.models.hubs.hub import Place
from npu_adapt.models.selection import ABSURD_BYTES, GGUF_NAME, WEIGHT_FORMATS, has_pickle, needed_weights
from npu_adapt.records.registry import RegistryEntry

LONGEST_HEADER = 100_000_000  # bytes; the limit of the safetensors format
LONGEST_CONFIG = 64 << 20  # bytes of a configuration or an index of shards
SPARSE_FROM = 1 << 20  # bytes: smaller files are no downloads in parts
ALLOW_PICKLE = "a pickle can run code when it is read; if you trust this one, give --allow-pickle"
NAME_A_DIRECTORY = "name a directory in the Hugging Face format: config.json beside the weights"
BESIDE_GGUF = "put config.json and the tokenizer's files of the model that it was made from beside it"
_OTHER_MODELS = (
    # a file that folders of another kind hold in place of config.json, id of the fact, what it is, what to do
    (
        "adapter_config.json",
        "adapter",
        "an adapter (LoRA), which is no model by itself",
        "merge it into its base model with peft (merge_and_unload, save_pretrained), and name that folder",
    ),
    (
        "model_index.json",
        "pipeline",
        "a pipeline of several models (diffusers)",
        "name the folder of one of its models that transformers reads, such as text_encoder",
    ),
    (
        "modules.json",
        "sentence-transformers",
        "a pipeline of sentence-transformers",
        "name the folder of its first module, such as 0_Transformer",
    ),
    (
        "configuration.json",
        "modelscope",
        "the pipeline of a ModelScope library",
        "write an adapter that builds its model: npu-adapt compare FILE.py --weights DIR",
    ),
)
_OTHER_WEIGHTS = (
    # pattern, id of the fact, what it is, what to do
    (
        r"consolidated[^/]*\.(safetensors|pth)",
        "own-format",
        "weights in the publisher's own format",
        "take the files that are made for transformers, often in a repository named …-hf",
    ),
    (
        r"[^/]+\.ckpt",
        "checkpoint",
        "a training checkpoint",
        "load it with the code that wrote it, and write the weights with save_pretrained",
    ),
    (
        r"[^/]+\.(pt|pth)",
        "checkpoint",
        "weights under a name that transformers does not read",
        "load them with the code that wrote them, and write them with save_pretrained",
    ),
    (
        GGUF_NAME,
        "gguf",
        "one of several GGUF files",
        "keep the one that is meant beside config.json and the tokenizer's files of the original, or take the one that "
        "holds safetensors",
    ),
    (r"(tf_model\.h5|flax_model\.msgpack)", "tensorflow", "TensorFlow or Flax weights", "convert them to safetensors"),
)


@dataclass(frozen=True)
class Fault:
    """Why a place holds no model: the fact that is recorded, and the clause and the hint of an error's message."""

    id: str
    message: str
    values: Mapping[str, Any] = field(default_factory=dict)
    hint: str = NAME_A_DIRECTORY


NOT_THERE = Fault("not-there", "not there")


def registered_place(entry: RegistryEntry) -> Place:
    """The place that the registry remembers."""
    return Place(Path(entry.path), entry.source, entry.revision, entry.commit)


def answers(entry: RegistryEntry, *, revision: str | None, source: str) -> bool:
    """Whether the entry of a model is the one meant. Without a revision a hub's default branch is."""
    if source not in ("auto", entry.source) and entry.source in HUBS:
        return False
    if revision is None:
        default = HUBS[entry.source]().default_branch if entry.source in HUBS else None
        return entry.revision in (None, default)
    return revision in (entry.revision, entry.commit)


def why_not(place: Place, *, allow_pickle: bool) -> Fault | None:
    """Why the place holds no model; None: it does. Headers and hashes are looked at when it is loaded."""
    try:
        return _why_not(place, allow_pickle=allow_pickle)
    except OSError as error:
        return unreadable(error, place.path)


def unreadable(error: OSError, path: Path) -> Fault:
    """The fault of a place that this user may not read, or that cannot be read at all."""
    why = error.strerror or type(error).__name__
    return Fault(
        "unreadable",
        Sentence("cannot be read: {why} ({filename})", why=why, filename=error.filename or path),
        {"error": why, "file": str(error.filename or path)},
        "give this user the right to read it, or name another cache or folder",
    )


def _why_not(place: Place, *, allow_pickle: bool) -> Fault | None:
    path = place.path
    if not path.is_dir():
        return _others_there(place) or NOT_THERE
    if fault := _config_fault(path / "config.json"):
        return fault
    names = [file.name for file in path.iterdir() if file.is_file()]
    if fault := weights_fault(names, allow_pickle=allow_pickle):
        return fault
    weights = needed_weights(names, allow_pickle=allow_pickle)
    for name in weights:
        open_regular(path / name).close()  # raises where this user may not read it
    if pointer := next((name for name in weights if is_pointer(path / name)), None):
        return Fault(
            "lfs-pointer",
            Sentence("{pointer} is a Git LFS pointer, not the file itself", pointer=pointer),
            {"file": pointer},
            "bring the file: git lfs pull in that folder, or npu-adapt fetch MODEL",
        )
    if hollow := next((name for name in weights if _is_hollow(path / name)), None):
        return Fault(
            "unwritten",
            Sentence("incomplete: more than half of {file} was never written", file=hollow),
            {"file": hollow},
        )
    # In a hub's cache a download may have been cut off; a directory is as its owner made it, and loading judges it.
    return why_incomplete(path) if place.source in HUBS else None


def _config_fault(config: Path) -> Fault | None:
    if not config.is_file():
        for name, id, what, hint in _OTHER_MODELS:
            if config.with_name(name).is_file():
                return Fault(
                    id, Sentence("no config.json; with {name} it is {what}", name=name, what=what), {"file": name}, hint
                )
        if any(re.fullmatch(GGUF_NAME, file.name) for file in config.parent.iterdir()):
            return Fault("no-config", "no config.json beside the GGUF file", hint=BESIDE_GGUF)
        return Fault("no-config", "no config.json")
    try:
        if isinstance(msgspec.json.decode(read_regular(config, LONGEST_CONFIG)), dict):
            return None
    except (ValueError, RecursionError) as error:
        return Fault("config-damaged", Sentence("config.json is damaged: {error}", error=error), {"error": str(error)})
    return Fault("config-damaged", "config.json is not an object", {"error": "no object"})


def _others_there(place: Place) -> Fault | None:
    """The revisions that lie where one was looked for."""
    folder = place.path.parent
    if place.source not in HUBS or folder.name != "snapshots" or not folder.is_dir():
        return None
    others = tuple(sorted(each.name for each in folder.iterdir() if each.is_dir()))
    if not others:
        return None
    return Fault(
        "other-revision",
        Sentence("not there, but revision {revision} is", revision=others[0]),
        {"revisions": others},
        Sentence("take the revision that is there: --revision {revision}", revision=others[0]),
    )


def weights_fault(names: Collection[str], *, allow_pickle: bool) -> Fault | None:
    """Why the files of these names hold no weights that can be read; None: they do."""
    found = needed_weights(names, allow_pickle=allow_pickle)
    if any(re.fullmatch(_OTHER_WEIGHTS[0][0], name) for name in found):
        found = ()
    if found:
        return None
    if not allow_pickle and has_pickle(names):
        return Fault("pickled", "only pickled weights, which --allow-pickle would read", hint=ALLOW_PICKLE)
    for pattern, id, what, hint in _OTHER_WEIGHTS:
        if other := next((name for name in sorted(names) if re.fullmatch(pattern, name)), None):
            return Fault(
                id,
                Sentence("no weights for transformers: {other} is {what}", other=other, what=what),
                {"file": other},
                hint,
            )
    return Fault("no-weights", "no weights", hint="name a folder or a repository that holds safetensors")


def why_incomplete(path: Path) -> Fault | None:
    """What the weights in a folder lack of what their index and headers name; None: nothing. Raises `OSError`."""
    names = {file.name for file in path.iterdir() if file.is_file()}
    for form in WEIGHT_FORMATS:
        if form.index in names and form.single not in names and (fault := _index_fault(path / form.index, names)):
            return fault
    short = sorted(name for name in names if name.endswith(".safetensors") and _is_short(path / name))
    if not short:
        return None
    return Fault(
        "cut-short",
        Sentence("incomplete: {short} is cut short, or no safetensors file", short=short[0]),
        {"file": short[0]},
    )


def _index_fault(index: Path, names: set[str]) -> Fault | None:
    """What is wrong with an index of shards; None: nothing."""
    try:
        content = msgspec.json.decode(read_regular(index, LONGEST_CONFIG), type=_Index)
    except (ValueError, RecursionError) as error:
        return Fault(
            "index-damaged",
            Sentence("{index} is damaged: {error}", index=index.name, error=error),
            {"file": index.name, "error": str(error)},
        )
    shards = set(content.weight_map.values())
    total = content.metadata.get("total_size", 0) if content.metadata else 0
    if not isinstance(total, (int, float)) or not 0 <= total <= ABSURD_BYTES:
        return Fault(
            "index-damaged",
            Sentence("{index} claims an absurd size", index=index.name),
            {"file": index.name, "error": "size"},
        )
    missing = sorted(shards - names)
    if not missing:
        return None
    return Fault(
        "shards-missing",
        Sentence(
            "incomplete: {count} of {shards} shards are missing, {file} first",
            count=len(missing),
            shards=len(shards),
            file=missing[0],
        ),
        {"missing": len(missing), "shards": len(shards), "file": missing[0]},
    )


class _Index(msgspec.Struct):
    weight_map: dict[str, str]
    metadata: dict[str, Any] | None = None


def _is_hollow(file: Path) -> bool:
    """Whether most of a large file is holes: it was made whole, and the download ended before it was filled."""
    size = file.stat().st_size
    return size >= SPARSE_FROM and 2 * unwritten_bytes(file) > size


def _is_short(file: Path) -> bool:
    """Whether a safetensors file ends before the last tensor that its header names."""
    size = file.stat().st_size
    with open_regular(file) as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > min(size - 8, LONGEST_HEADER):
            return True
        header = stream.read(length)
    ends = re.findall(rb'"data_offsets"\s*:\s*\[\s*[0-9]+\s*,\s*([0-9]{1,18})\s*\]', header)
    return 8 + length + max(map(int, ends), default=0) > size


def places_of(model: str, revision: str | None, source: str) -> Iterator[Place]:
    """Where the clients of the hubs keep the model; all of them for the source "auto"."""
    for name, hub in HUBS.items():
        if source in ("auto", name):
            yield from hub().places(model, revision)


def places_below(root: Path, model: str) -> Iterator[Path]:
    """Where the model may be below a root of models: as ORG/NAME, and as in a cache that was copied there."""
    yield root / model
    for hub in HUBS.values():
        yield from filter(_is_there, hub().places_below(root, model))


def _is_there(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return True  # why it cannot be read is said when it is looked at
