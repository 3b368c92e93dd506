"""When to ask a server again, and how long to wait before."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from npu_adapt.errors import Sentence
from npu_adapt.models.hubs.hub import Interrupted

TRIES = 5  # requests in a row that bring nothing
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0  # seconds; doubled each time
LONGEST_WAIT = 30.0  # seconds; a server that asks for more is not waited for
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


def is_temporary(status: int) -> bool:
    """Whether the same request may be answered later."""
    return status in TEMPORARY


def whole_number(text: str | None) -> int | None:
    """The number in a header; None for anything else, digits of other scripts and endless ones among it."""
    return int(text) if text is not None and re.fullmatch("[0-9]{1,18}", text.strip()) else None


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` asks for: seconds, or a date (RFC 9110, 10.2.3); None without it."""
    value = headers.get("Retry-After") or headers.get("retry-after") or ""
    if (seconds := whole_number(value)) is not None:
        return float(seconds)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


def host_of(url: str) -> str:
    """Server and port of an address, without whatever secrets the rest of it holds."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


class RetryBudget:
    """Counts the requests in a row that brought nothing. `wait` sleeps, and raises when it has been enough.

    With `seconds` it is also enough when so many have passed since the beginning.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        sleep: Callable[[float], object] = time.sleep,
        *,
        seconds: float = float("inf"),
    ) -> None:
        self._say, self._sleep = say, sleep
        self._in_vain, self._something_came = 0, False
        self._ends = time.monotonic() + seconds

    def progressed(self) -> None:
        """Something came: begin to count again."""
        self._in_vain, self._something_came = 0, True

    def wait(self, interrupted: Interrupted) -> None:
        """Raises `interrupted` after `TRIES` of them in a row, or where the server asks for too long a wait."""
        asked = interrupted.retry_after
        self._in_vain += 1
        if (asked or 0) > LONGEST_WAIT:
            interrupted.message = Sentence(
                "{cause} and asks to wait for {asked:.0f} s: try again then", cause=interrupted.message, asked=asked
            )
            raise interrupted
        if self._in_vain >= TRIES:
            raise interrupted
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._in_vain - 1)) if asked is None else asked
        if asked is None and self._something_came:
            pause = 0.0  # what was cut resumes at once
        if time.monotonic() + pause > self._ends:
            raise interrupted
        self._something_came = False
        if pause >= 2:
            self._say(Sentence("{cause}: asking again in {pause:.0f} s", cause=interrupted.message, pause=pause))
        self._sleep(pause)
