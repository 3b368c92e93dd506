"""What every hub can do for a download: list a model's files with their hashes, and say where bytes come from and go.

Nothing that a hub says is believed: names, sizes and hashes are checked before they become paths or allocations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from npu_adapt.errors import Sentence
from npu_adapt.models.hashing import Listed
from npu_adapt.models.selection import ABSURD_BYTES, is_safe
from npu_adapt.records import Fact


class HubFailure(Exception):
    """What a hub did not do. `id` and `values` are the fact that is recorded; `message` is its end of a sentence."""

    def __init__(self, id: str, message: str, *, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.id = id
        self.message = message
        self.values = dict(values or {})


class ListingFailed(HubFailure):
    """The hub does not list the model. `hint` says what to do next."""

    def __init__(self, id: str, message: str, *, hint: str, values: Mapping[str, Any] | None = None) -> None:
        super().__init__(id, message, values=values)
        self.hint = hint


class ModelMissing(ListingFailed):
    """There is no such model there, or it is private."""


class ModelGated(ListingFailed):
    """The model is there, and this user may not have it."""


class RevisionMissing(ListingFailed):
    """The model is there, the revision is not."""


class HubUnreachable(ListingFailed):
    """No answer, or none that tells anything: network, proxy, server errors."""


class InvalidListing(ListingFailed):
    """The listing cannot be true, or means harm."""


class Interrupted(HubFailure):
    """A request that may succeed when it is made again; `retry_after` seconds from now where the server says so."""

    def __init__(
        self, id: str, message: str, *, retry_after: float | None = None, values: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(id, message, values=values)
        self.retry_after = retry_after


@dataclass(frozen=True)
class RemoteFile:
    """A file as a hub lists it."""

    name: str
    size: int
    listed: Listed

    @property
    def key(self) -> str:
        """A name for the content: its hash as listed."""
        return self.listed.sha256 or self.listed.git_sha1 or ""


@dataclass(frozen=True)
class Claim:
    """What a hub's listing says of a file, of whatever type it is: not believed yet."""

    size: object
    sha256: object
    git_sha1: object


@dataclass(frozen=True)
class Listing:
    """The files of a model at one moment, by name."""

    hub: str
    model: str
    revision: str  # branch, tag or commit, as it was asked for
    commit: str | None  # what it was then; None: the hub does not tell
    claims: Mapping[str, Claim]
    endpoint: str = ""  # the address that was asked
    is_official: bool = False  # whether that is the hub's own, and no mirror

    @property
    def vouches(self) -> str:
        """What a file is verified against that is as it is listed here."""
        return "hub" if self.is_official else "mirror"

    def file(self, name: str) -> RemoteFile:
        """The file of that name. Raises `InvalidListing` for a bad path, size or hash."""
        claim = self.claims[name]
        if not is_safe(name):
            raise InvalidListing(
                "unsafe-name",
                Sentence("{hub} lists a file under a name that leaves the cache: {name!r}", hub=self.hub, name=name),
                hint=_REPORT_IT,
                values={"file": ascii(name)},
            )
        if type(claim.size) is not int or not 0 <= claim.size <= ABSURD_BYTES:
            raise InvalidListing(
                "absurd-size",
                Sentence(
                    "{hub} lists {name} with a size that no file has: {size!r:.80}",
                    hub=self.hub,
                    name=name,
                    size=claim.size,
                ),
                hint=_REPORT_IT,
                values={"file": name},
            )
        listed = Listed(sha256=self._digits(name, claim.sha256, 64), git_sha1=self._digits(name, claim.git_sha1, 40))
        if listed == Listed(None, None):
            raise InvalidListing(
                "no-hash",
                Sentence("{hub} lists {name} without a hash: it cannot be verified", hub=self.hub, name=name),
                hint=_REPORT_IT,
                values={"file": name},
            )
        return RemoteFile(name, claim.size, listed)

    def _digits(self, name: str, value: object, count: int) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str) or re.fullmatch(rf"[0-9a-f]{{{count}}}", value) is None:
            raise InvalidListing(
                "no-hash",
                Sentence(
                    "{hub} lists {name} with a hash that is none: {value!r:.80}", hub=self.hub, name=name, value=value
                ),
                hint=_REPORT_IT,
                values={"file": name},
            )
        return value


_REPORT_IT = "do not use this copy: report it to the hub, or take another with --source"


@dataclass(frozen=True)
class Address:
    """Where the bytes of a file are. Headers and cookies hold the user's token: they are shown to nobody."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Place:
    """A directory where a model may be."""

    path: Path
    source: str  # a hub's name | directory | builtin
    branch: str | None  # the revision as one asks a hub for it; None: the place does not tell
    commit: str | None  # None: the place does not tell


@dataclass(frozen=True)
class Removal:
    """What removing a model deletes: files and folders of a cache, none of them reached through a link."""

    folders: tuple[Path, ...] = ()  # deleted with all that is in them
    files: tuple[Path, ...] = ()
    emptied: tuple[Path, ...] = ()  # folders that go when nothing is left in them
    kept: Fact | None = None  # why the files stay; None: they go

    @property
    def bytes(self) -> int:
        """Bytes that are freed. Raises `OSError`."""
        inside = (file for folder in self.folders for file in folder.rglob("*"))
        return sum(file.lstat().st_size for file in (*self.files, *inside) if file.is_file() and not file.is_symlink())


class CacheLayout(Protocol):
    """Where a hub's own client keeps one revision of a model, in its layout."""

    @property
    def folder(self) -> Path:
        """The repository's: all that is written lies in it."""

    @property
    def snapshot(self) -> Path:
        """The folder that holds the model when all is there."""

    @property
    def lock(self) -> Path:
        """Held while files of the repository are brought."""

    def partial(self, file: RemoteFile) -> Path:
        """Where the bytes of an unfinished file are."""

    def partials(self) -> Iterable[Path]:
        """All unfinished files that this package has left there."""

    def stored(self, file: RemoteFile) -> Path:
        """Where the bytes of the finished file are, or will be."""

    def place(self, file: RemoteFile) -> None:
        """Makes the finished file a part of the snapshot."""

    def finish(self) -> None:
        """All files are there: the revision now means this snapshot."""


class Hub(Protocol):
    """One hub: everything that is particular to it. Nothing but `listing` asks the network."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def default_branch(self) -> str: ...
    @property
    def cache_variable(self) -> str:
        """The variable that names the folder of the client's cache."""

    def endpoint(self) -> str:
        """The address that is asked. Raises `HubUnreachable` where a variable names none."""

    def page(self, model: str, endpoint: str | None) -> str:
        """The page of a model at an endpoint; None: at the hub's own."""

    def places(self, model: str, revision: str | None) -> Iterator[Place]:
        """Where the clients of this hub keep the model, old layouts included, the present one first."""

    def places_below(self, root: Path, model: str) -> Iterator[Path]:
        """Where the model would be below a folder that somebody copied from such a cache."""

    def listed_in_cache(self, file: Path) -> Listed:
        """What the cache itself says of a file's content."""

    def removal(self, model: str, path: Path) -> Removal:
        """What goes when the model at `path` is removed. Raises `OSError`. Nothing is deleted yet."""

    def listing(self, model: str, revision: str | None, *, whole: bool) -> Listing:
        """The files at the top of the repository; `whole`: in its folders too.

        Raises `ListingFailed`, and `Interrupted` where asking again may help.
        """

    def address(self, listing: Listing, file: RemoteFile) -> Address: ...

    def layout(self, listing: Listing) -> CacheLayout: ...

    def gated_hint(self, model: str) -> str:
        """What a user does who may not have the model."""
