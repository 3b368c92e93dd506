"""Models that are on this disk already, wherever a hub's client, a colleague or this package put them. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from npu_adapt.errors import Attempt, ModelError, ModelNotFound, UsageError
from npu_adapt.models.places import CACHES, Place, answers, registered_place, why_not
from npu_adapt.models.registry import Registry
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.selection import needed_files
from npu_adapt.records import WeightFile
from npu_adapt.records.registry import RegistryEntry

BUILTIN_PREFIX = "builtin:"
BUILTIN_MODELS = ("digits-vit",)
WEIGHT_SUFFIXES = (".safetensors", ".bin")
HUB_URLS = {"huggingface": "https://huggingface.co/{id}", "modelscope": "https://modelscope.cn/models/{id}"}
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]*")
_HUB_ID = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)?[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class LocalModel:
    """A model on this disk: a directory that transformers can load."""

    id: str
    organization: str | None  # None: a directory or a built-in has no owner
    source: str  # modelscope | huggingface | directory | builtin
    branch: str | None  # the revision as one asks a hub for it; None: a plain directory has none
    commit: str | None  # None: the place does not tell
    url: str | None  # None: nothing on a hub answers to this model
    path: Path
    files: tuple[str, ...]  # what it needs of the directory
    attempts: tuple[Attempt, ...]
    known: RegistryEntry | None = None  # None: it was never registered

    @property
    def revision(self) -> str | None:
        """The most exact name of what this is; None: a plain directory has none."""
        return self.commit or self.branch

    @property
    def weight_files(self) -> tuple[WeightFile, ...]:
        """The weights, not hashed yet: `sha256` is empty."""
        return tuple(
            WeightFile(name=name, bytes=(self.path / name).stat().st_size, sha256="", verified_against="nothing")
            for name in self.files
            if name.endswith(WEIGHT_SUFFIXES)
        )


def locate(request: ModelRequest, registry: Registry) -> LocalModel:
    """The model on this disk that `request` means.

    Raises `UsageError` for what is no model id, `ModelNotFound` where no place holds it and `ModelError` where a place
    holds it incompletely; both carry `attempts`.
    """
    require_model_name(request.model)
    require_revision(request.revision)
    attempts: list[Attempt] = []
    for place in _places(request, registry):
        known = registry.at(place.path)
        outcome = why_not(place, allow_pickle=request.allow_pickle) or _unfinished(known)
        attempts.append(Attempt(str(place.path), outcome or "found"))
        if outcome is None:
            return local_model(request, place, known, tuple(attempts))
        if not is_hub_model(request.model):
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
    if not (model and Path(model).is_dir()) and not is_hub_id(model):
        raise UsageError(
            f"{model!r} is neither a directory nor a model id", hint="an id is ORG/NAME: google/vit-base-patch16-224"
        )


def require_revision(revision: str | None) -> None:
    """Raises `UsageError` for what can be no branch, tag or commit: it becomes a part of paths and addresses."""
    if revision is not None and (_REVISION.fullmatch(revision) is None or ".." in revision):
        raise UsageError(f"{revision!r} is no revision", hint="give a branch, a tag or a commit: --revision main")


def is_hub_id(model: str) -> bool:
    """Whether a hub could know a model of this name."""
    return _HUB_ID.fullmatch(model) is not None and ".." not in model


def is_hub_model(model: str) -> bool:
    """Whether `model` means a repository on a hub, and not something on this disk."""
    return not model.startswith(BUILTIN_PREFIX) and not Path(model).is_dir()


def hub_url(source: str, model: str) -> str | None:
    """The page of a model on its hub; None: `source` is no hub."""
    form = HUB_URLS.get(source)
    return form.format(id=model) if form else None


def local_model(
    request: ModelRequest, place: Place, known: RegistryEntry | None, attempts: tuple[Attempt, ...]
) -> LocalModel:
    """The model that `place` holds."""
    model = request.model
    hub_id = model if is_hub_model(model) else None
    return LocalModel(
        id=model if hub_id or place.source == "builtin" else str(place.path),
        organization=hub_id.split("/", maxsplit=1)[0] if hub_id and "/" in hub_id else None,
        source=place.source,
        branch=place.branch,
        commit=place.commit,
        url=hub_url(place.source, model),
        path=place.path,
        files=_files(request, place.path, known),
        attempts=attempts,
        known=known,
    )


def _files(request: ModelRequest, path: Path, known: RegistryEntry | None) -> tuple[str, ...]:
    """What is needed of the folder, and what was registered of it: files below the top, asked for with --include."""
    found = path.rglob("*") if request.include else path.iterdir()
    names = [file.relative_to(path).as_posix() for file in found if file.is_file()]
    needed = needed_files(names, allow_pickle=request.allow_pickle, include=request.include, exclude=request.exclude)
    registered = [file.name for file in known.files if (path / file.name).is_file()] if known else []
    return tuple(sorted({*needed, *registered}))


def _places(request: ModelRequest, registry: Registry) -> Iterator[Place]:
    """Where the model may be, each place once, in the order that is tried.

    What the user named comes first, then what the registry remembers, then the hubs' caches.
    """
    model = request.model
    if model.startswith(BUILTIN_PREFIX):
        path = Path(str(files("npu_adapt") / "assets" / model.removeprefix(BUILTIN_PREFIX)))
        yield Place(path, "builtin", None, None)
        return
    if Path(model).is_dir():
        yield Place(Path(model).resolve(), "directory", None, None)
        return
    seen: set[Path] = set()
    for place in _hub_model_places(request, registry):
        if place.path not in seen:
            seen.add(place.path)
            yield place


def _hub_model_places(request: ModelRequest, registry: Registry) -> Iterator[Place]:
    for root in request.weights_roots:
        yield Place((root.expanduser() / request.model).resolve(), "directory", None, None)
    for entry in registry.entries(request.model):
        if answers(entry, revision=request.revision, source=request.source):
            yield registered_place(entry)
    for source, places in CACHES.items():
        if request.source in ("auto", source):
            yield from places(request.model, request.revision)


def _unfinished(entry: RegistryEntry | None) -> str | None:
    """What a hub's model lacks by the registry; a directory is as its owner makes it."""
    if entry is None:
        return None
    gone = [file.name for file in entry.files if not (Path(entry.path) / file.name).is_file()]
    missing = [*entry.missing, *(gone if entry.source in CACHES else ())]
    return f"incomplete: {len(missing)} files are missing, {missing[0]} first" if missing else None


def _incomplete(model: str, outcome: str, attempts: tuple[Attempt, ...]) -> ModelError:
    pickled = "--allow-pickle" in outcome
    hint = (
        "a pickle can run code when it is read; if you trust this one, give --allow-pickle"
        if pickled
        else "name a directory in the Hugging Face format: config.json beside the weights"
    )
    return ModelError(f"{model}: {outcome}", hint=hint, attempts=attempts)
