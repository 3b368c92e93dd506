"""What can go wrong between a hub and its reader: one row each, for tests and for the benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

WEIGHTS = "*.safetensors"
LISTING = "<listing>"  # in place of a file's name: the answers that tell what there is


@dataclass(frozen=True)
class Fault:
    """Concerns the answers about files whose name matches `on`, the first `times` of them. Sizes are bytes.

    A field that is None (or empty) leaves that part of the answer as it should be.
    """

    on: str = WEIGHTS
    times: int | None = None  # None: every time, until the hub is healed
    status: int | None = None  # answered in place of the file
    headers: tuple[tuple[str, str], ...] = ()  # with `status`
    cut_after: int | None = None  # the connection is closed after so many bytes of the body
    stall_after: int | None = None  # no byte comes any more, and the connection stays open
    flip_at: int | None = None  # the lowest bit of the file's byte at this offset is the other one
    short_by: int = 0  # the server's copy ends before the listed size, and says so
    ignores_range: bool = False  # a part is asked for, the whole file comes
    bytes_per_second: int | None = None
    listed_sum: str | None = None  # in the listing, 64 digits: the sha256, and its first 40 for git's sha1
    listed_size: int | None = None

    def concerns(self, name: str) -> bool:
        return fnmatchcase(name, self.on)


def refusal(status: int, times: int | None = None, on: str = WEIGHTS, **headers: str) -> Fault:
    """A server that answers `status`; `headers` with `_` for `-`."""
    return Fault(
        on=on,
        times=times,
        status=status,
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
    )


def table(part: int) -> dict[str, Fault]:
    """The faults of a transfer, by name, for weights of several times `part` bytes. Each lasts until it is healed."""
    return {
        "cut": Fault(cut_after=part),
        "cut once": Fault(cut_after=part, times=1),
        "short": Fault(short_by=part),
        "corrupt": Fault(flip_at=part + 1),
        "corrupt once": Fault(flip_at=part + 1, times=1),
        "wrong listed sum": Fault(listed_sum="0" * 64),
        "500": refusal(500),
        "500 twice": refusal(500, times=2),
        "502": refusal(502),
        "503": refusal(503),
        "429": refusal(429, times=2, Retry_After="1"),
        "stall": Fault(stall_after=part),
        "stall once": Fault(stall_after=part, times=1),
        "no range": Fault(ignores_range=True),
        "no range, cut once": Fault(ignores_range=True, cut_after=part, times=1),
        "listing 500": refusal(500, on=LISTING),
        "listing 503 once": refusal(503, times=1, on=LISTING),
    }
