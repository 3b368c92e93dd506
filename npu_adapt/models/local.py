"""Models that are on this disk already, wherever a hub's client, a colleague or this package put them. No torch.

Layouts: a directory in the Hugging Face format; a root of `ORG/NAME` directories; the Hugging Face cache
(`models--ORG--NAME/snapshots/COMMIT`); ModelScope's (`models/ORG--NAME/snapshots/REVISION`, and before 1.37
`[hub/]models/ORG/NAME` with `.` written `___`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import msgspec

from npu_adapt.errors import Attempt, ModelError, ModelNotFound, UsageError
from npu_adapt.progress import Progress
from npu_adapt.records import WeightFile

BUILTIN_PREFIX = "builtin:"
BUILTIN_MODELS = ("digits-vit",)
WEIGHT_SUFFIXES = (".safetensors", ".bin")
HUB_URLS = {"huggingface": "https://huggingface.co/{id}", "modelscope": "https://modelscope.cn/models/{id}"}
_HUB_ID = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)?[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class ModelRequest:
    """Which model is wanted, and where it may come from."""

    model: str
    revision: str | None = None
    source: str = "auto"  # auto | modelscope | huggingface
    offline: bool = False
    weights_roots: tuple[Path, ...] = ()
    cache_dir: Path | None = None
    allow_pickle: bool = False


@dataclass(frozen=True)
class LocalModel:
    """A model on this disk: a directory that transformers can load."""

    id: str
    organization: str | None  # None: a directory or a built-in has no owner
    source: str  # modelscope | huggingface | directory | builtin
    revision: str | None  # None: a plain directory has no revision
    url: str | None  # None: nothing on a hub answers to this model
    path: Path
    weight_files: tuple[WeightFile, ...]  # sha256 is empty until `start_hashing` is done
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class _Place:
    """A directory where the model may be."""

    path: Path
    source: str
    revision: str | None


def locate(request: ModelRequest, progress: Progress) -> LocalModel:
    """The model on this disk that `request` means.

    Raises `UsageError` for what is no model id, `ModelNotFound` where no place holds it and `ModelError` where a place
    holds it incompletely; both carry `attempts`.
    """
    require_model_name(request.model)
    attempts: list[Attempt] = []
    for place in _places(request):
        outcome = _why_not(place.path, allow_pickle=request.allow_pickle)
        attempts.append(Attempt(str(place.path), outcome or "found"))
        if outcome is None:
            return _local_model(request.model, place, tuple(attempts))
        if place.source in ("directory", "builtin"):
            raise _incomplete(request.model, outcome, tuple(attempts))
    tried = "; ".join(f"{attempt.place}: {attempt.outcome}" for attempt in attempts) or "no cache or root on this disk"
    raise ModelNotFound(
        f"{request.model} is not on this disk ({tried})",
        hint="check the spelling; fetch it with npu-adapt fetch, or name the folder that holds it with --weights-root",
        attempts=tuple(attempts),
    )


def require_model_name(model: str) -> None:
    """Raises `UsageError` unless `model` is a built-in, a directory, or what a hub accepts as an id."""
    if model.startswith(BUILTIN_PREFIX):
        if model.removeprefix(BUILTIN_PREFIX) not in BUILTIN_MODELS:
            raise UsageError(
                f"there is no {model}", hint=f"built in: {', '.join(map(BUILTIN_PREFIX.__add__, BUILTIN_MODELS))}"
            )
        return
    if Path(model).is_dir():
        return
    if _HUB_ID.fullmatch(model) is None or ".." in model:
        raise UsageError(
            f"{model!r} is neither a directory nor a model id", hint="an id is ORG/NAME: google/vit-base-patch16-224"
        )


def start_hashing(local: LocalModel) -> Future[tuple[WeightFile, ...]]:
    """The weight files with their sha256, computed in a thread while the caller loads them (hashlib frees the lock)."""
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashing")
    try:
        return executor.submit(_hashed, local)
    finally:
        executor.shutdown(wait=False)


def sha256_of(path: Path) -> str:
    """The hexadecimal sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(1 << 20)
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
    return digest.hexdigest()


def _hashed(local: LocalModel) -> tuple[WeightFile, ...]:
    return tuple(
        msgspec.structs.replace(entry, sha256=sha256_of(local.path / entry.name)) for entry in local.weight_files
    )


def _places(request: ModelRequest) -> Iterator[_Place]:
    """Where the model may be, in the order that is tried: what the user named first, then the hubs' caches."""
    model = request.model
    if model.startswith(BUILTIN_PREFIX):
        yield _Place(Path(str(files("npu_adapt") / "assets" / model.removeprefix(BUILTIN_PREFIX))), "builtin", None)
        return
    if Path(model).is_dir():
        yield _Place(Path(model).resolve(), "directory", None)
        return
    for root in request.weights_roots:
        yield _Place(root / model, "root", None)
    caches = {"modelscope": _modelscope_places, "huggingface": _huggingface_places}
    for source, places in caches.items():
        if request.source in ("auto", source):
            yield from places(model, request.revision)


def _huggingface_places(model: str, revision: str | None) -> Iterator[_Place]:
    home = Path(os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"))
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
    folder = cache / f"models--{model.replace('/', '--')}"
    reference = folder / "refs" / (revision or "main")
    commit = reference.read_text().strip() if reference.is_file() else (revision or "main")
    yield _Place(folder / "snapshots" / commit, "huggingface", commit)


def _modelscope_places(model: str, revision: str | None) -> Iterator[_Place]:
    cache = Path(os.environ.get("MODELSCOPE_CACHE") or "~/.cache/modelscope").expanduser()
    name = revision or "master"
    for root in (cache, cache / "hub"):
        yield _Place(root / "models" / model.replace("/", "--") / "snapshots" / name, "modelscope", name)
        yield _Place(root / "models" / model.replace(".", "___"), "modelscope", name)
    yield _Place(cache / "hub" / model.replace(".", "___"), "modelscope", name)


def _why_not(path: Path, *, allow_pickle: bool) -> str | None:
    """Why the directory is no model; None: it is one. Headers and hashes are looked at when it is loaded."""
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
    suffixes = {file.suffix for file in path.iterdir() if file.is_file()}
    if ".safetensors" in suffixes or (allow_pickle and ".bin" in suffixes):
        return None
    return "only pickled weights, which --allow-pickle would read" if ".bin" in suffixes else "no weights"


def _incomplete(model: str, outcome: str, attempts: tuple[Attempt, ...]) -> ModelError:
    pickled = "--allow-pickle" in outcome
    hint = (
        "a pickle can run code when it is read; if you trust this one, give --allow-pickle"
        if pickled
        else "name a directory in the Hugging Face format: config.json beside the weights"
    )
    return ModelError(f"{model}: {outcome}", hint=hint, attempts=attempts)


def _local_model(model: str, place: _Place, attempts: tuple[Attempt, ...]) -> LocalModel:
    weights = sorted(file for file in place.path.iterdir() if file.suffix in WEIGHT_SUFFIXES)
    safe = [file for file in weights if file.suffix == ".safetensors"] or weights
    url = HUB_URLS.get(place.source)
    hub_id = model if place.source not in ("directory", "builtin") else None
    return LocalModel(
        id=model if hub_id or place.source == "builtin" else str(place.path),
        organization=hub_id.split("/", maxsplit=1)[0] if hub_id and "/" in hub_id else None,
        source="directory" if place.source == "root" else place.source,
        revision=place.revision,
        url=url.format(id=model) if url else None,
        path=place.path,
        weight_files=tuple(
            WeightFile(name=file.name, bytes=file.stat().st_size, sha256="", verified_against="nothing")
            for file in safe
        ),
        attempts=attempts,
    )
