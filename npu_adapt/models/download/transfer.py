"""One file from a hub: asked for, resumed where it was cut, and never called done before its hash is the listed one."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, BinaryIO

from npu_adapt.errors import ModelCorrupt, ModelError, Sentence
from npu_adapt.models.download.growing import GrowingHash, size_of
from npu_adapt.models.hashing import PIECE_BYTES, FileHash
from npu_adapt.models.hubs.connection import open_answer, stall_seconds
from npu_adapt.models.hubs.hub import Hub, Interrupted, Listing, ListingFailed, RemoteFile
from npu_adapt.models.hubs.retrying import RetryBudget, is_temporary, seconds_to_wait, whole_number
from npu_adapt.threads import Work

if TYPE_CHECKING:
    from requests import Response, Session

TRIES = 3  # whole downloads of a file before its hub is disbelieved
SLOWEST = 512  # bytes a second, on the average of a stall timeout: less than that is none
WORTHWHILE = 16 << 10  # bytes: a request that brought fewer, and not the rest, was in vain
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")


class ContentMismatch(Exception):
    """What the server sends is not the listed file: only a clean start may help."""


class Stopped(Exception):
    """Another file has failed, or the user has had enough."""


@dataclass(frozen=True)
class Transfer:
    """Brings files of one listing. Safe to use from several threads."""

    hub: Hub
    listing: Listing
    session: Session
    stop: Event
    say: Callable[[str], None]

    def bring(self, file: RemoteFile, partial: Path, advance: Callable[[float], object]) -> FileHash:
        """The hashes of the file, whose bytes are now in `partial`; what was there already is not asked for again.

        Raises `ModelCorrupt` after three whole downloads that differ from the listing, and `ModelError` where the
        server refuses or does not answer; `OSError` from the disk.
        """
        reason = ""
        for _ in range(TRIES):
            try:
                found = self._arrive(file, partial, advance)
            except ContentMismatch as error:
                reason = error.args[0]
            else:
                if file.listed.matches(found):
                    return found
                found_hash = found.sha256 if file.listed.sha256 else found.git_sha1
                reason = Sentence("its hash is {hash}…", hash=found_hash[:16])
            advance(-size_of(partial))
            partial.unlink(missing_ok=True)
        raise ModelCorrupt(
            Sentence(
                "{file} came {tries} times from {hub} other than it is listed: {reason}, listed are {size} bytes with "
                "{key}…",
                file=file.name,
                tries=TRIES,
                hub=self.hub.title,
                reason=reason,
                size=file.size,
                key=file.key[:16],
            ),
            hint="try again later or from the other hub with --source; a proxy on the way may change what it passes on",
        )

    def _arrive(self, file: RemoteFile, partial: Path, advance: Callable[[float], object]) -> FileHash:
        """All bytes into `partial`, through as many requests as it takes."""
        retry_budget = RetryBudget(self.say, self._sleep)
        if size_of(partial) > file.size:
            partial.unlink()
        with (
            partial.open("ab", buffering=0) as out,
            GrowingHash(partial, file.size, git=file.listed.sha256 is None) as hashing,
        ):
            position = out.tell()
            hashing.reach(position)
            advance(position)
            while position < file.size:
                begun = position
                try:
                    for written in self._pieces(file, position, out):
                        position += written
                        hashing.reach(position)
                        advance(written)
                except Interrupted as error:
                    if position - begun >= WORTHWHILE:
                        retry_budget.progressed()
                    self._wait(retry_budget, error, file)
                except ListingFailed as error:
                    raise ModelError(
                        Sentence(
                            "{file} cannot be had from {hub}: {cause}",
                            file=file.name,
                            hub=self.hub.title,
                            cause=error.message,
                        ),
                        hint=error.hint,
                    ) from error
            return hashing.result()

    def _wait(self, retry_budget: RetryBudget, interrupted: Interrupted, file: RemoteFile) -> None:
        try:
            retry_budget.wait(interrupted)
        except Interrupted as error:
            raise ModelError(
                Sentence(
                    "{file} cannot be had from {hub}: {cause}", file=file.name, hub=self.hub.title, cause=error.message
                ),
                hint="what has arrived is kept: fetch again to resume; --source takes the other hub",
            ) from error

    def _sleep(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise Stopped

    def _pieces(self, file: RemoteFile, position: int, out: BinaryIO) -> Iterator[int]:
        """Writes what one answer brings from `position` on; yields the size of each piece that was written.

        Raises `Interrupted` where the answer ends too early, and `ContentMismatch`.
        """
        with self._answer(file, position) as (response, to_skip), Watch(response) as watch:
            skip, left = to_skip, file.size - position
            while data := self._read(response, watch):
                if self.stop.is_set():
                    raise Stopped
                fresh = memoryview(data)[skip:]  # the server may have begun at the first byte again
                skip -= len(data) - len(fresh)
                if len(fresh) > left:
                    raise ContentMismatch("more bytes came than are listed")
                if fresh:
                    out.write(fresh)
                    left -= len(fresh)
                    yield len(fresh)
            if left:
                raise watch.interruption()

    @contextmanager
    def _answer(self, file: RemoteFile, position: int) -> Iterator[tuple[Response, int]]:
        """An answer that holds the file from `position` on, after so many bytes to pass over."""
        headers = {"Range": f"bytes={position}-"} if position else {}
        with open_answer(self.session, self.hub.address(self.listing, file), headers) as response:
            self._require_success(response, file)
            total, start = whole_number(response.headers.get("Content-Length")), 0
            encoded = response.headers.get("Content-Encoding", "identity") != "identity"
            if response.status_code == 206:
                match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
                if match is None or int(match[1]) != position or encoded:
                    raise ContentMismatch("the server sends another part than was asked for")
                start, total = position, whole_number(match[2])
            if total is not None and total != file.size and not encoded:
                raise ContentMismatch(Sentence("the server has {total} bytes of it", total=total))
            yield response, position - start

    def _require_success(self, response: Response, file: RemoteFile) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        if is_temporary(status):
            raise Interrupted(
                "status",
                Sentence("{hub} answers {status}", hub=self.hub.title, status=status),
                retry_after=seconds_to_wait(response.headers),
            )
        if status == 416:
            raise ContentMismatch("the server has fewer bytes of it")
        if status in (401, 403):
            raise ModelError(
                Sentence(
                    "{hub} has {model} gated: this user has no access to {file} ({status})",
                    hub=self.hub.title,
                    model=self.listing.model,
                    file=file.name,
                    status=status,
                ),
                hint=self.hub.gated_hint(self.listing.model),
            )
        raise ModelError(
            Sentence(
                "{hub} lists {file} and answers {status} when it is asked for",
                hub=self.hub.title,
                file=file.name,
                status=status,
            ),
            hint="try again later, or from the other hub with --source",
        )

    @staticmethod
    def _read(response: Response, watch: Watch) -> bytes:
        """What has arrived, at most a piece; empty at the end."""
        from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

        try:
            data: bytes = response.raw.read1(PIECE_BYTES, decode_content=True)
        except ReadTimeoutError as error:
            raise Interrupted("stall", Sentence("no data came for {seconds:g} s", seconds=stall_seconds())) from error
        except DecodeError as error:
            raise ContentMismatch("the server names an encoding that is another") from error
        except (HTTPError, OSError, http.client.HTTPException, ValueError) as error:
            raise watch.interruption() from error
        watch.count(len(data))
        return data


class Watch:
    """Cuts a connection over which fewer than `SLOWEST` bytes a second come, on the average of a stall timeout.

    A socket's timeout does not notice a server that sends a byte now and then. A context manager.
    """

    def __init__(self, response: Response) -> None:
        self._response = response
        self._seconds = stall_seconds()
        self._came = 0
        self._ended = Event()
        self._cut = False

    def count(self, size: int) -> None:
        """So many bytes came."""
        self._came += size

    def interruption(self) -> Interrupted:
        """Why the connection has ended before the file."""
        if self._cut:
            return Interrupted("stall", Sentence("almost no data came for {seconds:g} s", seconds=self._seconds))
        return Interrupted("cut", "the connection was cut")

    def _work(self) -> None:
        before = 0
        while not self._ended.wait(self._seconds):
            if self._came - before < SLOWEST * self._seconds:
                self._cut = True
                with suppress(OSError, ValueError, RuntimeError, AttributeError):
                    self._response.raw.shutdown()  # urllib3 before 2.3 cannot: then the socket's timeout decides alone
                return
            before = self._came

    def __enter__(self) -> Watch:
        Work(self._work)
        return self

    def __exit__(self, *about: object) -> None:
        self._ended.set()
