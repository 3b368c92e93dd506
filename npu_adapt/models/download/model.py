"""A whole model from one hub into that hub's own cache, every file verified, and its entry for the registry."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial as bound
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import msgspec

from npu_adapt import rounding
from npu_adapt.errors import ModelCorrupt, ModelError, Sentence
from npu_adapt.evidence import utc_now
from npu_adapt.models.download.growing import size_of
from npu_adapt.models.download.space import refused, require_room
from npu_adapt.models.download.transfer import Transfer
from npu_adapt.models.hashing import FileHash, hash_file
from npu_adapt.models.hubs import hub_url
from npu_adapt.models.hubs.connection import new_session, stall_seconds
from npu_adapt.models.hubs.hub import CacheLayout, Hub, Listing, ListingFailed, RemoteFile
from npu_adapt.models.places import weights_fault, why_incomplete
from npu_adapt.models.registry import Registry, is_unchanged, registry_refused
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.selection import needed_files
from npu_adapt.models.verification import registered
from npu_adapt.progress import Progress, Step
from npu_adapt.records.registry import RegisteredFile, RegistryEntry
from npu_adapt.threads import in_parallel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filelock import FileLock

WORKERS = 8  # files at once, as huggingface_hub does
HOLDER_STALLS = 20  # stall timeouts for which another process may hold the lock and bring nothing: it may be hashing


@dataclass(frozen=True)
class Downloaded:
    """A model that is now in its hub's cache."""

    entry: RegistryEntry
    brought: frozenset[str]  # files that were not on this disk before


def wanted_files(listing: Listing, request: ModelRequest) -> tuple[RemoteFile, ...]:
    """What `request` needs of the listing.

    Raises `ListingFailed` where that makes no model, and for a listing that cannot be believed.
    """
    names = tuple(listing.claims)
    if "config.json" not in names:
        raise ListingFailed(
            "no-config",
            Sentence(
                "{hub}'s {model} has no config.json: it is not in the Hugging Face format",
                hub=listing.hub,
                model=listing.model,
            ),
            hint="choose the repository that holds it for transformers, often named …-hf",
        )
    if fault := weights_fault(names, allow_pickle=request.allow_pickle):
        raise ListingFailed(
            fault.id,
            Sentence("{hub}'s {model} has {cause}", hub=listing.hub, model=listing.model, cause=fault.message),
            hint=fault.hint,
            values=fault.values,
        )
    needed = needed_files(names, allow_pickle=request.allow_pickle, include=request.include, exclude=request.exclude)
    return tuple(map(listing.file, needed))


class Download:
    """One model's download: what is there, what is missing, and the registry's entry along the way."""

    def __init__(
        self, hub: Hub, listing: Listing, files: tuple[RemoteFile, ...], registry: Registry, progress: Progress
    ) -> None:
        self.hub, self.listing, self.files = hub, listing, files
        self.registry, self.progress = registry, progress
        self.layout: CacheLayout = hub.layout(listing)

    def run(self) -> Downloaded:
        """Brings what is missing or differs; other processes that want the same wait for it.

        A cache that holds all of it is only read. Raises `ModelCorrupt` and `ModelError`; what has arrived until then
        is kept, and the registry knows that the model is unfinished.
        """
        there = self._verified(self._known())
        if len(there) < len(self.files) or not all(map(self._is_placed, self.files)):
            with self._disk_errors_named(self.files), self._locked():
                return self._complete({**self._known(), **there})
        with suppress(OSError):  # where the cache is read-only its owner says what the branch means
            self.layout.finish()
        self._require_whole()
        return Downloaded(self._register(there, []), frozenset())

    def _complete(self, known: dict[str, RegisteredFile]) -> Downloaded:
        """What `run` does under the lock."""
        there = self._verified(known, fix=True)
        missing = [file for file in self.files if file.name not in there]
        self._clear_partials(missing)
        with self._disk_errors_named(missing):
            if missing:
                self._register(there, missing)
                there |= self._bring(missing)
            for file in self.files:
                self._require_inside(self.layout.snapshot / file.name)
                self.layout.place(file)
            self.layout.finish()
        self._require_whole()
        return Downloaded(self._register(there, []), frozenset(file.name for file in missing))

    def planned(self) -> frozenset[str]:
        """The files that `run` would bring, by their sizes alone. Nothing is written."""
        return frozenset(file.name for file in self.files if not self._is_there(file))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        from filelock import FileLock, Timeout

        self.layout.lock.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.layout.lock)
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            self.progress.say(Sentence("another process fetches {model}: waiting for it", model=self.listing.model))
            self._wait_for(lock)
        try:
            yield
        finally:
            lock.release()

    def _wait_for(self, lock: FileLock) -> None:
        """Takes the lock when its holder lets go. Raises `ModelError` where that one brings nothing for long."""
        from filelock import Timeout

        longest = HOLDER_STALLS * stall_seconds()
        arrived, since = -1, time.monotonic()
        while True:
            try:
                lock.acquire(timeout=min(5.0, longest / 2))
            except Timeout as error:
                now = sum(map(size_of, self.layout.partials()))
                if now != arrived:
                    arrived, since = now, time.monotonic()
                elif time.monotonic() - since > longest:
                    raise ModelError(
                        Sentence(
                            "another process holds {lock} and has brought nothing for {longest:g} s",
                            lock=self.layout.lock,
                            longest=longest,
                        ),
                        hint="end that process, and fetch again: what has arrived is kept",
                    ) from error
            else:
                return

    def _known(self) -> dict[str, RegisteredFile]:
        entry = self.registry.at(self.layout.snapshot)
        return {file.name: file for file in entry.files} if entry else {}

    def _is_there(self, file: RemoteFile) -> bool:
        stored = self.layout.stored(file)
        return stored.is_file() and not stored.is_symlink() and stored.stat().st_size == file.size

    def _is_placed(self, file: RemoteFile) -> bool:
        placed, stored = self.layout.snapshot / file.name, self.layout.stored(file)
        return placed.is_file() and placed.samefile(stored)

    def _verified(self, known: dict[str, RegisteredFile], *, fix: bool = False) -> dict[str, RegisteredFile]:
        """The files that are there and as listed; one that differs is deleted where `fix` says so."""
        there = {}
        present = [file for file in self.files if self._is_there(file)]
        unread = [file for file in present if not self._vouched(file, known.get(file.name))]
        hashes = self._hashes(unread) if unread else {}
        for file in present:
            if file not in hashes:
                there[file.name] = msgspec.structs.replace(known[file.name], verified_against=self.listing.vouches)
            elif file.listed.matches(hashes[file]):
                there[file.name] = registered(file.name, hashes[file], self.listing.vouches)
            elif fix:
                self.progress.say(
                    Sentence("{file} on this disk differs from the listing: fetching it again", file=file.name)
                )
                self.layout.stored(file).unlink()
        return there

    def _hashes(self, files: list[RemoteFile]) -> dict[RemoteFile, FileHash]:
        with self.progress.task("hashing what is here", sum(file.size for file in files), "bytes") as step:
            jobs = [bound(self._hash, file, step) for file in files]
            return dict(zip(files, in_parallel(jobs, WORKERS, Event()), strict=True))

    def _hash(self, file: RemoteFile, step: Step) -> FileHash:
        return hash_file(self.layout.stored(file), git=file.listed.sha256 is None, advance=step.advance)

    def _vouched(self, file: RemoteFile, known: RegisteredFile | None) -> bool:
        """Whether the registry knows these bytes, unchanged, as this listing has them."""
        if known is None or not is_unchanged(self.layout.snapshot, known):
            return False
        same = (
            known.sha256 == file.listed.sha256
            if file.listed.sha256 is not None
            else known.verified_against == self.listing.vouches
        )
        return same and (self.layout.snapshot / file.name).resolve() == self.layout.stored(file).resolve()

    def _clear_partials(self, missing: list[RemoteFile]) -> None:
        """Of what earlier downloads left, only what this one goes on with stays."""
        wanted = {self.layout.partial(file) for file in missing}
        for path in self.layout.partials():
            if path not in wanted:
                path.unlink()

    def _bring(self, missing: list[RemoteFile]) -> dict[str, RegisteredFile]:
        different = {self.layout.partial(file): file for file in missing}  # files of one content may be one blob
        left = sum(file.size - min(file.size, size_of(partial)) for partial, file in different.items())
        require_room(self.layout.folder, left, self.hub.cache_variable)
        total = sum(file.size for file in different.values())
        asked = f"{self.hub.title} ({self.listing.endpoint})"
        self.progress.say(
            Sentence(
                "{model}: {count} files, {total}, from {asked}",
                model=self.listing.model,
                count=len(missing),
                total=rounding.size(total),
                asked=asked,
            )
        )
        stop = Event()
        with (
            self.progress.task(Sentence("fetching {model}", model=self.listing.model), total, "bytes") as step,
            new_session(WORKERS) as session,
        ):
            transfer = Transfer(self.hub, self.listing, session, stop, self.progress.say)
            ordered = sorted(different.values(), key=lambda file: file.size, reverse=True)
            brought = in_parallel([bound(self._bring_one, transfer, file, step) for file in ordered], WORKERS, stop)
        by_name = {file.name: file for file in brought}
        return {
            file.name: msgspec.structs.replace(by_name[different[self.layout.partial(file)].name], name=file.name)
            for file in missing
        }

    def _bring_one(self, transfer: Transfer, file: RemoteFile, total: Step) -> RegisteredFile:
        partial, stored = self.layout.partial(file), self.layout.stored(file)
        self._require_inside(partial)
        self._require_inside(stored)
        partial.parent.mkdir(parents=True, exist_ok=True)
        stored.parent.mkdir(parents=True, exist_ok=True)
        with self.progress.task(file.name, file.size, "bytes") as own:
            found = transfer.bring(file, partial, _both(own, total))
        partial.replace(stored)
        self.progress.say(
            Sentence(
                "{file}: {size}, as {hub} lists it", file=file.name, size=rounding.size(file.size), hub=self.hub.title
            )
        )
        return registered(file.name, found, self.listing.vouches)

    def _require_inside(self, path: Path) -> None:
        """A link that somebody put into a shared cache must not lead the bytes out of it."""
        if not path.parent.resolve().is_relative_to(
            self.layout.folder.resolve()
        ) and not path.parent.resolve().is_relative_to(self.layout.snapshot.resolve()):
            raise ModelError(
                Sentence("{parent} leads out of {folder}", parent=path.parent, folder=self.layout.folder),
                hint="delete the link, and fetch again",
            )

    def _require_whole(self) -> None:
        """Raises `ModelCorrupt` where the index of the weights names what is not there."""
        if reason := why_incomplete(self.layout.snapshot):
            raise ModelCorrupt(
                Sentence(
                    "{hub}'s {model} is not whole: {cause}",
                    hub=self.hub.title,
                    model=self.listing.model,
                    cause=reason.message,
                ),
                hint="tell its owner; --source takes the other hub, --revision another version",
            )

    def _register(self, there: dict[str, RegisteredFile], missing: list[RemoteFile]) -> RegistryEntry:
        now, old = utc_now(), self.registry.at(self.layout.snapshot)
        entry = RegistryEntry(
            model=self.listing.model,
            source=self.hub.name,
            revision=self.listing.revision,
            commit=self.listing.commit,
            url=hub_url(self.hub.name, self.listing.model, self.listing.endpoint),
            endpoint=self.listing.endpoint,
            path=str(self.layout.snapshot),
            files=(*(there[file.name] for file in self.files if file.name in there), *self._others(old)),
            missing=tuple(file.name for file in missing),
            registered_at=old.registered_at if old else now,
            last_used=now,
        )
        try:
            self.registry.put(entry)
            if not missing:
                self._rename_moved()
        except OSError as error:
            raise registry_refused(self.registry, error) from error
        return entry

    def _others(self, old: RegistryEntry | None) -> Iterator[RegisteredFile]:
        """What an earlier fetch brought and this one was not asked for, as long as the hub lists the same."""
        asked = {file.name for file in self.files}
        for file in old.files if old else ():
            claim = self.listing.claims.get(file.name)
            if file.name not in asked and claim is not None and claim.sha256 in (None, "", file.sha256):
                yield file

    def _rename_moved(self) -> None:
        """A branch means one snapshot: an older one is known by its commit from now on."""
        for entry in self.registry.entries(self.listing.model):
            same = (entry.source, entry.revision) == (self.hub.name, self.listing.revision)
            if same and entry.commit and entry.commit != self.listing.commit:
                self.registry.put(msgspec.structs.replace(entry, revision=entry.commit))

    @contextmanager
    def _disk_errors_named(self, files: tuple[RemoteFile, ...] | list[RemoteFile]) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            needed = sum(file.size for file in files)
            raise refused(self.layout.folder, needed, self.hub.cache_variable, error) from error


def _both(one: Step, other: Step) -> Callable[[float], None]:
    def advance(amount: float) -> None:
        one.advance(amount)
        other.advance(amount)

    return advance
