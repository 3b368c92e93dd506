"""The pages of one listing: each asked for once, all of them together within the time that a listing may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from npu_adapt.errors import Sentence
from npu_adapt.models.hubs.connection import Answer, listing_seconds, origin_of, read_answer, stall_seconds
from npu_adapt.models.hubs.hub import Address, HubUnreachable, InvalidListing
from npu_adapt.models.hubs.retrying import host_of

if TYPE_CHECKING:
    from requests import Session

MOST_PAGES = 1000


class Pages:
    """Asks for pages of one listing at the address that `address` makes of a URL."""

    def __init__(self, session: Session, address: Callable[[str], Address]) -> None:
        self._session, self._address = session, address
        self._seconds = listing_seconds()
        self._ends = time.monotonic() + self._seconds
        self._asked: set[str] = set()

    def get(self, url: str) -> Answer:
        """The page at `url`. Raises what `read_answer` does, and `InvalidListing` for pages without end."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise HubUnreachable(
                "timeout",
                Sentence(
                    "{host} did not send its listing within {seconds:g} s",
                    host=host_of(url),
                    seconds=self._seconds,
                ),
                hint="try again later, or from the other hub with --source",
                values={"seconds": self._seconds},
            )
        if url in self._asked or len(self._asked) >= MOST_PAGES:
            raise InvalidListing(
                "too-long",
                Sentence("{host} lists without end", host=host_of(url)),
                hint="something is wrong with the server: try again later, or another endpoint",
                values={"host": host_of(url)},
            )
        self._asked.add(url)
        return read_answer(self._session, self._address(url), seconds=min(left, stall_seconds()))

    @staticmethod
    def next_address(page: str, link: str) -> str | None:
        """Where the next page is: at the origin of this one, or nowhere."""
        try:
            target = urljoin(page, link)
            return target if origin_of(target) == origin_of(page) else None
        except ValueError:
            return None
