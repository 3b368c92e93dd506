"""What the probe's process tells its parent, one JSON object a line: a line that is complete says what happened."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Base of what the probe reports."""


class Step(Event, frozen=True, tag="step"):
    """It begins something that may not come back: what hung or died when nothing follows."""

    doing: str  # start | import | count | use
    what: str  # the module, the kind of device, the device


class Torch(Event, frozen=True, tag="torch"):
    """torch was imported."""

    version: str
    cuda: str | None  # the CUDA it was built with; None: built without


class Failed(Event, frozen=True, tag="failed"):
    """A step raised."""

    doing: str
    what: str
    said: str  # the first line of what it raised


class Versions(Event, frozen=True, tag="versions"):
    """What a backend's running software says of itself; None: it does not say."""

    kind: str
    stack: str | None
    driver: str | None


class Count(Event, frozen=True, tag="count"):
    """How many devices of a kind torch sees."""

    kind: str
    devices: int
    refusal: str = ""  # why there are none, where torch says


class Found(Event, frozen=True, tag="device"):
    """A device that torch sees, and whether it computed."""

    kind: str
    index: int
    name: str
    memory_bytes: int | None = None  # None: the backend does not tell
    free_bytes: int | None = None  # None: the backend does not tell
    usable: bool = False
    failure: str = ""  # the class of its failure, as in `run.failure.kind`; empty: it is usable, or of none of these
    said: str = ""  # what the backend said as it failed


class Done(Event, frozen=True, tag="done"):
    """Everything was tried."""


AnyEvent = Step | Torch | Failed | Versions | Count | Found | Done
