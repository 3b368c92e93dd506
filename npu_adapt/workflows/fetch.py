"""Brings a model to this disk: found where it is, else downloaded; and registers it, every byte accounted for."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from npu_adapt.errors import ModelError
from npu_adapt.models.local import LocalModel, ModelRequest, locate
from npu_adapt.models.registry import Registry, cache_folder
from npu_adapt.models.verification import bytes_to_hash, verified_entry, weight_files
from npu_adapt.progress import Progress
from npu_adapt.records import WeightFile
from npu_adapt.records.registry import Fetched, FetchedFile, PlaceTried, RegistryEntry


def fetch(request: ModelRequest, progress: Progress) -> LocalModel:
    """The model on this disk, not hashed yet. Raises what `locate` raises."""
    return locate(request, Registry(cache_folder(request.cache_dir), progress.say))


def start_verifying(local: LocalModel, request: ModelRequest, progress: Progress) -> Future[tuple[WeightFile, ...]]:
    """Hashes what the registry does not know while the caller loads it, and registers it.

    The future holds the weight files, or raises `ModelCorrupt`. A registry that cannot be written is said, and no
    obstacle: the run has its evidence.
    """

    def work() -> tuple[WeightFile, ...]:
        entry = verified_entry(local)
        registry = Registry(cache_folder(request.cache_dir), progress.say)
        try:
            registry.put(entry)
        except OSError as error:
            progress.say(f"the registry {registry.path} cannot be written: {error.strerror}")
        return weight_files(local, entry)

    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashing")
    try:
        return executor.submit(work)
    finally:
        executor.shutdown(wait=False)


def fetch_and_register(request: ModelRequest, progress: Progress) -> Fetched:
    """The model, found or downloaded, verified and registered.

    Raises what `fetch` raises, `ModelCorrupt`, and `ModelError` where the registry cannot be written.
    """
    local = fetch(request, progress)
    total = bytes_to_hash(local)
    with progress.task(f"hashing {local.id}", total, "bytes") as step:
        entry = verified_entry(local, step.advance)
    registry = Registry(cache_folder(request.cache_dir), progress.say)
    try:
        registry.put(entry)
    except OSError as error:
        raise ModelError(
            f"the registry {registry.path} cannot be written: {error.strerror}",
            hint="name a folder that can be written with --cache-dir DIR, or set NPU_ADAPT_CACHE",
            attempts=local.attempts,
        ) from error
    return fetched(local, entry)


def fetched(local: LocalModel, entry: RegistryEntry, downloaded: frozenset[str] = frozenset()) -> Fetched:
    """What `fetch` reports."""
    return Fetched(
        model=entry.model,
        source=entry.source,
        revision=entry.revision,
        commit=entry.commit,
        url=entry.url,
        path=entry.path,
        dry_run=False,
        bytes=sum(file.bytes for file in entry.files),
        downloaded_bytes=sum(file.bytes for file in entry.files if file.name in downloaded),
        files=tuple(
            FetchedFile(
                name=file.name,
                bytes=file.bytes,
                sha256=file.sha256,
                verified_against=file.verified_against,
                downloaded=file.name in downloaded,
            )
            for file in entry.files
        ),
        attempts=tuple(PlaceTried(place=attempt.place, outcome=attempt.outcome) for attempt in local.attempts),
    )
