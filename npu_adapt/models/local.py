"""Models that are on this disk already, wherever a hub's client, a colleague or this package put them. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from npu_adapt.errors import Attempt, ModelError, ModelNotFound, Sentence, UsageError
from npu_adapt.homes import expanded
from npu_adapt.models.hubs import HUBS, hub_url
from npu_adapt.models.hubs.hub import Place
from npu_adapt.models.places import Fault, answers, places_below, places_of, registered_place, why_not
from npu_adapt.models.registry import Registry
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.selection import needed_files
from npu_adapt.records import WeightFile
from npu_adapt.records.registry import RegistryEntry

BUILTIN_PREFIX = "builtin:"
BUILTIN_MODELS = ("digits-vit",)
WEIGHT_SUFFIXES = (".safetensors", ".bin", ".gguf")
_WEIGHT_FILE = re.compile(r".*\.(safetensors|bin|pt|pth|ckpt|gguf|onnx|json|msgpack|h5|tar|gz|zip)", re.IGNORECASE)
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]*")
# The classes of failure that a place's faults belong to; the others are "model-unusable".
_KINDS = {
    "pickled": "pickled",
    "no-weights": "no-weights",
    "no-config": "no-config",
    **dict.fromkeys(
        ("cut-short", "index-damaged", "shards-missing", "config-damaged", "lfs-pointer", "unfinished", "unwritten"),
        "model-corrupt",
    ),
}
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
    def endpoint(self) -> str | None:
        """The address of the hub, or of its mirror, that listed the files; None: nobody knows."""
        return self.known.endpoint if self.known else None

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
    faults: list[Fault] = []
    for place in _places(request, registry):
        known = registry.at(place.path)
        fault = why_not(place, allow_pickle=request.allow_pickle) or _unfinished(known)
        attempts.append(_attempt(place, fault, known))
        if fault is None:
            return local_model(request, place, known, tuple(attempts))
        faults.append(fault)
        if not is_hub_model(request.model):
            raise _incomplete(request.model, place, fault, tuple(attempts))
    tried = (
        Sentence.joined(
            "; ", (Sentence("{place}: {found}", place=attempt.place, found=attempt.message) for attempt in attempts)
        )
        or "no cache or root on this disk"
    )
    telling = next((fault for fault in faults if fault.id not in ("not-there", "no-config")), None)
    raise ModelNotFound(
        Sentence("{model} is not on this disk ({tried})", model=request.model, tried=tried),
        hint=telling.hint
        if telling
        else "check the spelling; fetch it with npu-adapt fetch, or name the folder that holds it with --weights-root",
        attempts=tuple(attempts),
        kind=_KINDS.get(telling.id) if telling else None,
    )


def _attempt(place: Place, fault: Fault | None, known: RegistryEntry | None) -> Attempt:
    if fault is None:
        return Attempt(
            str(place.path), "found", "found", {"endpoint": known.endpoint} if known and known.endpoint else {}
        )
    return Attempt(str(place.path), fault.id, fault.message, fault.values)


def require_model_name(model: str) -> None:
    """Raises `UsageError` unless `model` is a built-in, a directory, or what a hub accepts as an id."""
    if model.startswith(BUILTIN_PREFIX):
        if model.removeprefix(BUILTIN_PREFIX) not in BUILTIN_MODELS:
            raise UsageError(
                Sentence("there is no {model}", model=model),
                hint=Sentence("built in: {names}", names=", ".join(map(BUILTIN_PREFIX.__add__, BUILTIN_MODELS))),
            )
        return
    if model and _is_dir(Path(model)):
        return
    if _looks_like_a_path(model):
        raise UsageError(
            Sentence(
                "{model!r} is a file, and a model is a folder" if _is_file(Path(model)) else "{model!r} is not there",
                model=model,
            ),
            hint="name the folder that holds config.json; an id of a hub is ORG/NAME",
        )
    if not is_hub_id(model):
        raise UsageError(
            Sentence("{model!r} is neither a directory nor a model id", model=model),
            hint="an id is ORG/NAME: google/vit-base-patch16-224",
        )


def _looks_like_a_path(model: str) -> bool:
    """Whether nobody could mean a hub's id: what begins, ends or exists as a path does."""
    begins = model.startswith(("/", "./", "../", "~", ".\\", "\\"))
    return begins or model.endswith(("/", "\\")) or _WEIGHT_FILE.fullmatch(model) is not None or _is_file(Path(model))


def _is_dir(path: Path) -> bool:
    """Whether it is a folder; one that this user may not look into is one."""
    try:
        return path.is_dir()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def require_revision(revision: str | None) -> None:
    """Raises `UsageError` for what can be no branch, tag or commit: it becomes a part of paths and addresses."""
    if revision is not None and (_REVISION.fullmatch(revision) is None or ".." in revision):
        raise UsageError(
            Sentence("{revision!r} is no revision", revision=revision),
            hint="give a branch, a tag or a commit: --revision main",
        )


def is_hub_id(model: str) -> bool:
    """Whether a hub could know a model of this name."""
    return _HUB_ID.fullmatch(model) is not None and ".." not in model


def builtin_folder(model: str) -> Path:
    """Where the package keeps the built-in model of that id."""
    return Path(str(files("npu_adapt") / "assets" / model.removeprefix(BUILTIN_PREFIX)))


def is_hub_model(model: str) -> bool:
    """Whether `model` means a repository on a hub, and not something on this disk."""
    return not model.startswith(BUILTIN_PREFIX) and not _is_dir(Path(model))


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
        url=hub_url(place.source, model, known.endpoint if known else None),
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
        path = builtin_folder(model)
        yield Place(path, "builtin", None, None)
        return
    if _is_dir(Path(model)):
        yield Place(Path(model).resolve(), "directory", None, None)
        return
    seen: set[Path] = set()
    for place in _hub_model_places(request, registry):
        if place.path not in seen:
            seen.add(place.path)
            yield place


def _hub_model_places(request: ModelRequest, registry: Registry) -> Iterator[Place]:
    for root in request.weights_roots:
        for path in places_below(expanded(root), request.model):
            yield Place(path.resolve(), "directory", None, None)
    for entry in registry.entries(request.model):
        if answers(entry, revision=request.revision, source=request.source):
            yield registered_place(entry)
    yield from places_of(request.model, request.revision, request.source)


def _unfinished(entry: RegistryEntry | None) -> Fault | None:
    """What a hub's model lacks by the registry; a directory is as its owner makes it."""
    if entry is None:
        return None
    gone = [file.name for file in entry.files if not (Path(entry.path) / file.name).is_file()]
    missing = [*entry.missing, *(gone if entry.source in HUBS else ())]
    if not missing:
        return None
    return Fault(
        "unfinished",
        Sentence("incomplete: {count} files are missing, {file} first", count=len(missing), file=missing[0]),
        {"missing": len(missing), "file": missing[0]},
        "bring what is missing: npu-adapt fetch MODEL",
    )


def _incomplete(model: str, place: Place, fault: Fault, attempts: tuple[Attempt, ...]) -> ModelError:
    """The error for a directory that holds no model. One that hides a hub's model of that name is named as such."""
    if is_hub_id(model) and "/" in model:
        return ModelError(
            Sentence(
                "the folder {path} is taken for {model}: {cause}", path=place.path, model=model, cause=fault.message
            ),
            hint=Sentence(
                "{hint}; to have the hub's {model}, run from another folder or rename this one",
                hint=fault.hint,
                model=model,
            ),
            attempts=attempts,
            kind=_KINDS.get(fault.id),
        )
    return ModelError(
        Sentence("{model}: {cause}", model=model, cause=fault.message),
        hint=fault.hint,
        attempts=attempts,
        kind=_KINDS.get(fault.id),
    )
