"""What every hub can do for a download: list a model's files with their hashes, and say where bytes come from and go.

Nothing that a hub says is believed: names, sizes and hashes are checked before they become paths or allocations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from npu_adapt.models.places import ABSURD_BYTES
from npu_adapt.models.selection import is_safe
from npu_adapt.models.verification import Listed


class ListingFailed(Exception):
    """The hub does not list the model. `str(error)` says why, as the end of a sentence; `hint` what to do next."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
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


class Interrupted(Exception):
    """A request that may succeed when it is made again; `retry_after` seconds from now where the server says so."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
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

    def file(self, name: str) -> RemoteFile:
        """The file of that name. Raises `InvalidListing` for a bad path, size or hash."""
        claim = self.claims[name]
        if not is_safe(name):
            raise InvalidListing(
                f"{self.hub} lists a file under a name that leaves the cache: {name!r}", hint=_REPORT_IT
            )
        if type(claim.size) is not int or not 0 <= claim.size <= ABSURD_BYTES:
            raise InvalidListing(
                f"{self.hub} lists {name} with a size that no file has: {claim.size!r}", hint=_REPORT_IT
            )
        listed = Listed(sha256=self._digits(name, claim.sha256, 64), git_sha1=self._digits(name, claim.git_sha1, 40))
        if listed == Listed(None, None):
            raise InvalidListing(f"{self.hub} lists {name} without a hash: it cannot be verified", hint=_REPORT_IT)
        return RemoteFile(name, claim.size, listed)

    def _digits(self, name: str, value: object, count: int) -> str | None:
        if value is None or value == "":
            return None
        if not isinstance(value, str) or re.fullmatch(rf"[0-9a-f]{{{count}}}", value) is None:
            raise InvalidListing(f"{self.hub} lists {name} with a hash that is none: {value!r}", hint=_REPORT_IT)
        return value


_REPORT_IT = "do not use this copy: report it to the hub, or take another with --source"


@dataclass(frozen=True)
class Address:
    """Where the bytes of a file are. Headers and cookies hold the user's token: they are shown to nobody."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)


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
    """One hub, through its own client."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def cache_variable(self) -> str:
        """The variable that names the folder of the client's cache."""

    def listing(self, model: str, revision: str | None, *, whole: bool) -> Listing:
        """The files at the top of the repository; `whole`: in its folders too.

        Raises `ListingFailed`, and `Interrupted` where asking again may help.
        """

    def address(self, listing: Listing, file: RemoteFile) -> Address: ...

    def layout(self, listing: Listing) -> CacheLayout: ...

    def gated_hint(self, model: str) -> str:
        """What a user does who may not have the model."""
