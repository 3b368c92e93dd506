"""What a user may ask of a sweep. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

JobCount: TypeAlias = Annotated[int, Meta(ge=1, le=10_000)]
RetryCount: TypeAlias = Annotated[int, Meta(ge=0, le=100)]
ModelSeconds: TypeAlias = Annotated[float, Meta(ge=0.1, le=2_592_000)]  # up to thirty days
Only: TypeAlias = Literal["failed"]
Step: TypeAlias = Literal["env", "fetch", "infer", "compare", "bench", "report"]
DEFAULT_RUN: tuple[Step, ...] = ("fetch", "infer", "compare", "bench", "report")


@dataclass(frozen=True)
class SweepRequest:
    """Everything the user asked of a sweep but its models, as the command line gives it."""

    command_line: str
    name: str | None = None  # None: the time of its start
    run: tuple[Step, ...] = DEFAULT_RUN
    devices: str = "all"
    jobs: JobCount | None = None  # None: one for each device
    model_timeout: ModelSeconds | None = None  # for all commands of a model together; None: no limit
    retries: RetryCount = 1
    resume: str | None = None  # the sweep to go on with; None: a new one
    only: Only | None = None  # None: what is not finished, or has changed
    ray: str | None = None  # the address of a Ray cluster, or "local"; None: this machine alone
    disk: str | None = None  # how much fetched weights may take, as typed: "200GB"; None: no limit, nothing is removed
    keep_weights: bool = False  # also those that the sweep fetched itself
    logs: Path = Path("logs")
