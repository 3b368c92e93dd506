"""What `npu-adapt models` does: list, verify, remove, path."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from npu_adapt.errors import ModelNotFound
from npu_adapt.evidence import utc_now
from npu_adapt.models.hashing import FileHash, hash_files
from npu_adapt.models.local import ModelRequest, locate
from npu_adapt.models.places import answers
from npu_adapt.models.registry import UNKNOWN_TIME, Registry, cache_folder, listed, registry_refused
from npu_adapt.models.removal import remove
from npu_adapt.progress import Progress
from npu_adapt.records.registry import (
    FileCheck,
    ListedModel,
    ModelCheck,
    ModelPath,
    RegisteredFile,
    RegistryEntry,
    RemovedModel,
    Verification,
)

Hashes = Mapping[Path, FileHash | OSError]


def list_models(cache_dir: Path | None, progress: Progress) -> tuple[ListedModel, ...]:
    """Every model of the registry, the last used first; files are looked at, not read."""
    return tuple(map(listed, Registry(cache_folder(cache_dir), progress.say).entries()))


def path_of(request: ModelRequest, progress: Progress) -> ModelPath:
    """Where the model is on this disk. Raises what `locate` raises."""
    local = locate(request, Registry(cache_folder(request.cache_dir), progress.say))
    return ModelPath(model=local.id, source=local.source, revision=local.revision, path=str(local.path))


def entries_of(request: ModelRequest, registry: Registry) -> tuple[RegistryEntry, ...]:
    """The registry's entries for a model, on every hub and of every revision unless the request names one.

    Raises `ModelNotFound` where there are none.
    """
    names = {request.model, str(Path(request.model).resolve())} if Path(request.model).is_dir() else {request.model}
    found = tuple(
        entry
        for entry in registry.entries()
        if entry.model in names and answers(entry, revision=request.revision or entry.revision, source=request.source)
    )
    if not found:
        raise ModelNotFound(
            f"{request.model} is not in the registry {registry.path}",
            hint="npu-adapt models list shows what is; npu-adapt fetch MODEL brings one",
        )
    return found


def verify_models(request: ModelRequest | None, cache_dir: Path | None, progress: Progress) -> Verification:
    """Hashes every registered file again, or those of one model; None: of all. Nothing is asked of a hub.

    What is found the same is written to the registry, where that can be done.
    """
    registry = Registry(cache_folder(cache_dir), progress.say)
    entries = registry.entries() if request is None else entries_of(request, registry)
    started = time.perf_counter()
    paths = {_file(entry, file) for entry in entries for file in entry.files}
    total = sum(path.stat().st_size for path in paths if path.is_file())
    with progress.task(f"verifying {len(paths)} files", total, "bytes") as step:
        hashes = dict(hash_files(paths, step.advance))
    checks = tuple(_check(entry, hashes) for entry in entries)
    _remember(registry, entries, hashes, progress)
    return Verification(
        passed=all(check.passed for check in checks),
        bytes=total,
        seconds=time.perf_counter() - started,
        models=checks,
    )


def remove_models(entries: tuple[RegistryEntry, ...], registry: Registry) -> tuple[RemovedModel, ...]:
    """Removes each. Raises `ModelError`."""
    return tuple(remove(entry, registry) for entry in entries)


def _file(entry: RegistryEntry, file: RegisteredFile) -> Path:
    """The bytes behind a file: two revisions may share them."""
    return (Path(entry.path) / file.name).resolve()


def _check(entry: RegistryEntry, hashes: Hashes) -> ModelCheck:
    files = tuple(_check_file(file, hashes[_file(entry, file)]) for file in entry.files)
    return ModelCheck(
        model=entry.model,
        source=entry.source,
        path=entry.path,
        passed=not entry.missing and all(file.outcome == "same" for file in files),
        files=files,
        missing=entry.missing,
    )


def _check_file(file: RegisteredFile, found: FileHash | OSError) -> FileCheck:
    if isinstance(found, FileHash):
        outcome = "same" if found.sha256 == file.sha256 else "differs"
    else:
        outcome = "missing" if isinstance(found, FileNotFoundError) else "unreadable"
    return FileCheck(
        name=file.name,
        bytes=file.bytes,
        outcome=outcome,
        expected_sha256=file.sha256,
        found_sha256=found.sha256 if isinstance(found, FileHash) else None,
        verified_against="hub" if file.verified_against == "hub" else "registry",
    )


def _remember(registry: Registry, entries: tuple[RegistryEntry, ...], hashes: Hashes, progress: Progress) -> None:
    try:
        for entry in entries:
            files = tuple(_seen_again(file, hashes[_file(entry, file)]) for file in entry.files)
            registry.put(msgspec.structs.replace(entry, files=files))
    except OSError as error:
        progress.say(registry_refused(registry, error).message)


def _seen_again(file: RegisteredFile, found: FileHash | OSError) -> RegisteredFile:
    """The record of a file that was hashed again. One that differs has no known time any more: all will hash it."""
    if not isinstance(found, FileHash):
        return file
    if found.sha256 != file.sha256:
        return msgspec.structs.replace(file, modified_ns=UNKNOWN_TIME)
    return msgspec.structs.replace(
        file,
        modified_ns=found.modified_ns,
        verified_at=utc_now(),
        verified_against="hub" if file.verified_against == "hub" else "registry",
    )
