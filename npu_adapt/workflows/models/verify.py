"""What `npu-adapt models verify` does. It imports little: until the first file is read, the user waits for nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from npu_adapt.evidence import utc_now
from npu_adapt.models.hashing import FileHash, hash_files, size_of
from npu_adapt.models.registry import UNKNOWN_TIME, Registry, registry_refused
from npu_adapt.progress import Progress, doing
from npu_adapt.records.registry import FileCheck, ModelCheck, RegisteredFile, RegistryEntry, Verification

Hashes = Mapping[Path, FileHash | OSError]


def verify_models(
    entries: Sequence[RegistryEntry],
    registry: Registry,
    progress: Progress,
    *,
    meanwhile: Callable[[], object] = lambda: None,
) -> Verification:
    """Hashes every file of these entries again. Nothing is asked of a hub.

    What is found the same is written to the registry, where that can be done. `meanwhile` is called once, as soon as
    hashing has begun, which leaves the interpreter idle.
    """
    started = time.perf_counter()
    paths = {_file(entry, file) for entry in entries for file in entry.files}
    total = sum(map(size_of, paths))
    with progress.task(doing("verifying", files=len(paths)), total, "bytes") as step:
        hashes = dict(hash_files(paths, step.advance, meanwhile))
    checks = tuple(_check(entry, hashes) for entry in entries)
    _remember(registry, entries, hashes, progress)
    return Verification(
        passed=all(check.passed for check in checks),
        bytes=total,
        seconds=time.perf_counter() - started,
        models=checks,
    )


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
    if isinstance(found, OSError):
        outcome = "missing" if isinstance(found, FileNotFoundError) else "unreadable"
    elif found.is_pointer:
        outcome = "pointer"
    else:
        outcome = "same" if found.sha256 == file.sha256 else "differs"
    return FileCheck(
        name=file.name,
        bytes=file.bytes,
        outcome=outcome,
        expected_sha256=file.sha256,
        found_sha256=found.sha256 if isinstance(found, FileHash) else None,
        verified_against=file.verified_against,
    )


def _remember(registry: Registry, entries: Sequence[RegistryEntry], hashes: Hashes, progress: Progress) -> None:
    seen = (
        msgspec.structs.replace(
            entry, files=tuple(_seen_again(file, hashes[_file(entry, file)]) for file in entry.files)
        )
        for entry in entries
    )
    try:
        registry.put(*seen)  # at once: each change reads and writes all entries
    except OSError as error:
        progress.say(registry_refused(registry, error).sentence)


def _seen_again(file: RegisteredFile, found: FileHash | OSError) -> RegisteredFile:
    """The record of a file that was hashed again. One that differs has no known time any more: all will hash it."""
    if not isinstance(found, FileHash):
        return file
    if found.sha256 != file.sha256:
        return msgspec.structs.replace(file, modified_ns=UNKNOWN_TIME)
    return msgspec.structs.replace(file, modified_ns=found.modified_ns, verified_at=utc_now())
