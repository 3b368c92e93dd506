"""Brings a model to this disk: found where it is, else downloaded; and registers it, every byte accounted for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import cast

from npu_adapt.errors import Attempt, HubsUnreachable, ModelError, ModelNotFound
from npu_adapt.homes import expanded
from npu_adapt.models.hubs import hub_url
from npu_adapt.models.local import (
    LocalModel,
    is_hub_model,
    locate,
    require_model_name,
    require_revision,
)
from npu_adapt.models.registry import Registry, cache_folder, registry_refused
from npu_adapt.models.request import ModelRequest, Source
from npu_adapt.models.verification import bytes_to_hash, verified_entry, weight_files
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Fact, WeightFile
from npu_adapt.records.registry import Fetched, FetchedFile, PlaceTried, RegistryEntry
from npu_adapt.threads import Work


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
    return replace(locate(replace(request, source=cast("Source", fetched.source)), registry), attempts=tuple(attempts))


def is_offline(request: ModelRequest) -> bool:
    """Whether nothing may be asked of a network: as the option says, or huggingface_hub's variable."""
    return request.offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def start_verifying(local: LocalModel, request: ModelRequest, progress: Progress) -> Work[tuple[WeightFile, ...]]:
    """Hashes what the registry does not know while the caller loads it, and registers it.

    Its result are the weight files, or it raises `ModelCorrupt`. A registry that cannot be written is said, and no
    obstacle: the run has its evidence.
    """

    def work() -> tuple[WeightFile, ...]:
        entry = verified_entry(local)
        registry = Registry(cache_folder(request.cache_dir), progress.say)
        try:
            registry.put(entry)
        except OSError as error:
            progress.say(registry_refused(registry, error).sentence)
        return weight_files(local, entry)

    return Work(work)


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
            if any(local.path.is_relative_to(expanded(root).resolve()) for root in request.weights_roots):
                return _register_local(local, registry, progress, dry_run=dry_run)
    try:
        return download(request, registry, progress, attempts, dry_run=dry_run)
    except HubsUnreachable as error:
        try:
            local = locate(request, registry)
        except ModelNotFound:
            raise error from None
        progress.say(doing("taken-as-it-is", message=error.sentence))
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
        missing = work.planned()
        planned = (_planned_file(file.name, file.size, file.listed.sha256, file.name in missing) for file in files)
        path = str(work.layout.snapshot)
        where = (listing.model, hub.name, listing.revision, listing.commit, listing.endpoint, path)
        return _fetched(*where, planned, attempts, dry_run=True)
    try:
        downloaded = work.run()
    except ModelError as error:
        error.attempts = (*attempts, Attempt(hub.title, "failed", error.sentence))
        raise
    return _registered(downloaded.entry, downloaded.brought, attempts)


def _register_local(local: LocalModel, registry: Registry, progress: Progress, *, dry_run: bool) -> Fetched:
    """The model as it is on this disk, hashed where the registry does not know it, and registered."""
    if dry_run:
        planned = (_planned_file(name, (local.path / name).stat().st_size, None, False) for name in local.files)
        where = (local.id, local.source, local.branch, local.commit, local.endpoint, str(local.path))
        return _fetched(*where, planned, local.attempts, dry_run=True)
    with progress.task(doing("hashing-model", model=local.id), bytes_to_hash(local), "bytes") as step:
        entry = verified_entry(local, step.advance)
    try:
        registry.put(entry)
    except OSError as error:
        raise registry_refused(registry, error) from error
    return _registered(entry, frozenset(), local.attempts)


def _planned_file(name: str, size: int, sha256: str | None, missing: bool) -> FetchedFile:
    return FetchedFile(name=name, bytes=size, sha256=sha256, verified_against="nothing", downloaded=missing)


def _registered(entry: RegistryEntry, brought: frozenset[str], attempts: Sequence[Attempt]) -> Fetched:
    files = (
        FetchedFile(
            name=file.name,
            bytes=file.bytes,
            sha256=file.sha256,
            verified_against=file.verified_against,
            downloaded=file.name in brought,
        )
        for file in entry.files
    )
    where = (entry.model, entry.source, entry.revision, entry.commit, entry.endpoint, entry.path)
    return _fetched(*where, files, attempts)


def _fetched(
    model: str,
    source: str,
    revision: str | None,
    commit: str | None,
    endpoint: str | None,
    path: str,
    files: Iterable[FetchedFile],
    attempts: Sequence[Attempt],
    *,
    dry_run: bool = False,
) -> Fetched:
    files = tuple(files)
    return Fetched(
        model=model,
        source=source,
        revision=revision,
        commit=commit,
        url=hub_url(source, model, endpoint),
        endpoint=endpoint,
        path=path,
        dry_run=dry_run,
        bytes=sum(file.bytes for file in files),
        downloaded_bytes=sum(file.bytes for file in files if file.downloaded),
        files=files,
        attempts=tuple(
            PlaceTried(place=attempt.place, outcome=Fact(attempt.id, dict(attempt.values))) for attempt in attempts
        ),
    )
