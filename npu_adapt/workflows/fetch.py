"""Brings a model to this disk: found where it is, else downloaded; and registers it, every byte accounted for."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from npu_adapt.errors import Attempt, HubsUnreachable, ModelError, ModelNotFound
from npu_adapt.models.local import LocalModel, ModelRequest, is_hub_model, locate, require_model_name, require_revision
from npu_adapt.models.registry import Registry, cache_folder, registry_refused
from npu_adapt.models.verification import bytes_to_hash, verified_entry, weight_files
from npu_adapt.progress import Progress
from npu_adapt.records import WeightFile
from npu_adapt.records.registry import Fetched, FetchedFile, PlaceTried, RegistryEntry


def fetch(request: ModelRequest, progress: Progress) -> LocalModel:
    """The model that a run needs: as it is on this disk, else downloaded unless `request` is offline.

    Raises `UsageError` for what is no model, `ModelNotFound`, and `ModelError`; both carry every place that was tried.
    """
    registry = Registry(cache_folder(request.cache_dir), progress.say)
    try:
        return locate(request, registry)
    except ModelNotFound as error:
        if is_offline(request) or not is_hub_model(request.model):
            raise
        before = error.attempts
    attempts = [*before]
    fetched = download(request, registry, progress, attempts)
    return replace(locate(_exactly(request, fetched), registry), attempts=tuple(attempts))


def is_offline(request: ModelRequest) -> bool:
    """Whether nothing may be asked of a network: as the option says, or huggingface_hub's variable."""
    return request.offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


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
            progress.say(registry_refused(registry, error).message)
        return weight_files(local, entry)

    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashing")
    try:
        return executor.submit(work)
    finally:
        executor.shutdown(wait=False)


def fetch_and_register(request: ModelRequest, progress: Progress, *, dry_run: bool = False) -> Fetched:
    """What `npu-adapt fetch` does: the hub's present state of the model on this disk, verified and registered.

    A built-in, a directory, what a root of models holds, and everything when offline, is taken as it is on this disk.
    With `dry_run` nothing is written. Raises `UsageError`, and `ModelError` with every place that was tried.
    """
    require_model_name(request.model)
    require_revision(request.revision)
    registry = Registry(cache_folder(request.cache_dir), progress.say)
    if is_offline(request) or not is_hub_model(request.model):
        return _register_local(locate(request, registry), registry, progress, dry_run=dry_run)
    attempts: list[Attempt] = []
    if request.weights_roots:
        try:
            local = locate(request, registry)
        except ModelNotFound as error:
            attempts += error.attempts
        else:
            if any(local.path.is_relative_to(root.expanduser().resolve()) for root in request.weights_roots):
                return _register_local(local, registry, progress, dry_run=dry_run)
    try:
        return download(request, registry, progress, attempts, dry_run=dry_run)
    except HubsUnreachable as error:
        try:
            local = locate(request, registry)
        except ModelNotFound:
            raise error from None
        progress.say(f"{error.message}: taken as it is on this disk")
        return _register_local(local, registry, progress, dry_run=dry_run)


def download(
    request: ModelRequest,
    registry: Registry,
    progress: Progress,
    attempts: list[Attempt],
    *,
    dry_run: bool = False,
) -> Fetched:
    """The model from the first hub that has it; `attempts` gets what each hub said. Raises `ModelError`."""
    from npu_adapt.models.download.hubs import find_on_hubs
    from npu_adapt.models.download.model import Download

    hub, listing, files = find_on_hubs(request, progress.say, attempts)
    work = Download(hub, listing, files, registry, progress)
    if dry_run:
        planned = work.planned()
        return Fetched(
            model=request.model,
            source=hub.name,
            revision=listing.revision,
            commit=listing.commit,
            url=None,
            path=str(work.shelf.snapshot),
            dry_run=True,
            bytes=sum(file.size for file in files),
            downloaded_bytes=sum(file.size for file in files if file.name in planned),
            files=tuple(
                FetchedFile(
                    name=file.name,
                    bytes=file.size,
                    sha256=file.listed.sha256,
                    verified_against="nothing",
                    downloaded=file.name in planned,
                )
                for file in files
            ),
            attempts=_places_tried(attempts),
        )
    try:
        downloaded = work.run()
    except ModelError as error:
        error.attempts = (*attempts, Attempt(hub.title, error.message))
        raise
    return _fetched(downloaded.entry, downloaded.brought, attempts)


def _register_local(local: LocalModel, registry: Registry, progress: Progress, *, dry_run: bool) -> Fetched:
    if dry_run:
        return _planned_local(local)
    with progress.task(f"hashing {local.id}", bytes_to_hash(local), "bytes") as step:
        entry = verified_entry(local, step.advance)
    try:
        registry.put(entry)
    except OSError as error:
        raise registry_refused(registry, error) from error
    return _fetched(entry, frozenset(), local.attempts)


def _planned_local(local: LocalModel) -> Fetched:
    """What there is on this disk, not read."""
    sizes = {name: (local.path / name).stat().st_size for name in local.files}
    return Fetched(
        model=local.id,
        source=local.source,
        revision=local.branch,
        commit=local.commit,
        url=local.url,
        path=str(local.path),
        dry_run=True,
        bytes=sum(sizes.values()),
        downloaded_bytes=0,
        files=tuple(
            FetchedFile(name=name, bytes=size, sha256=None, verified_against="nothing", downloaded=False)
            for name, size in sizes.items()
        ),
        attempts=_places_tried(local.attempts),
    )


def _exactly(request: ModelRequest, fetched: Fetched) -> ModelRequest:
    """The request for what was just downloaded."""
    return replace(request, source=fetched.source)


def _fetched(entry: RegistryEntry, brought: frozenset[str], attempts: tuple[Attempt, ...] | list[Attempt]) -> Fetched:
    return Fetched(
        model=entry.model,
        source=entry.source,
        revision=entry.revision,
        commit=entry.commit,
        url=entry.url,
        path=entry.path,
        dry_run=False,
        bytes=sum(file.bytes for file in entry.files),
        downloaded_bytes=sum(file.bytes for file in entry.files if file.name in brought),
        files=tuple(
            FetchedFile(
                name=file.name,
                bytes=file.bytes,
                sha256=file.sha256,
                verified_against=file.verified_against,
                downloaded=file.name in brought,
            )
            for file in entry.files
        ),
        attempts=_places_tried(attempts),
    )


def _places_tried(attempts: tuple[Attempt, ...] | list[Attempt]) -> tuple[PlaceTried, ...]:
    return tuple(PlaceTried(place=attempt.place, outcome=attempt.outcome) for attempt in attempts)
