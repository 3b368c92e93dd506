"""The records of a sweep: many models, each with how it ended, what it showed and why not. No torch.

A row repeats figures of the model's own `summary.json`, which stays their source: `summary_sha256` names it.

Schema history
    1  first published form
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from npu_adapt.errors import Sentence, SummaryUnreadable
from npu_adapt.records import Fact, Record, ToolInfo, as_json

SWEEP_SCHEMA_VERSION = 1

RowStatus: TypeAlias = Literal["passed", "failed", "not-run"]


class Cause(Record, frozen=True, kw_only=True):
    """Why a model failed: the class of the failure, and what it is about. Models of one cause have one thing to fix."""

    id: str  # a class of failure that `explain` knows: operator-not-supported, process-crashed, wrong-operator, …
    subject: str = ""  # the operator, signal or term; empty: the class says it all
    message: str = ""  # what the command said; empty: it said nothing
    command: str = ""  # which command ended so; empty: none was run


class SweepStep(Record, frozen=True, kw_only=True):
    """One command of a model, in a process of its own."""

    command: str
    exit_code: int | None  # None: a signal ended it, or the time limit did
    seconds: float
    signal: str | None = None  # None: it ended by itself
    alone: bool = False  # whether no other job of a sweep had its device or its cores meanwhile


class Placement(Record, frozen=True, kw_only=True):
    """Where a model ran."""

    node: str  # the machine's name
    device: str  # "npu:1", as the commands were told
    cores: tuple[int, ...]  # that its processes were pinned to; empty: not pinned
    accelerator: str = ""  # which one of the node it is, where Ray shows it by another number; empty: `device` says it


class Identity(Record, frozen=True, kw_only=True):
    """What a result holds for. With another one the model is run again."""

    options: dict[str, Any]  # as asked, by command
    versions: dict[str, str]  # of npu-adapt, Python, torch, CANN, driver, …
    device: str  # the kind and the maker's name of the device
    weights: dict[str, str]  # file -> "BYTES:TIME OF CHANGE"; empty: they were not on this disk


class ModelFigures(Record, frozen=True, kw_only=True):
    """What the matrix shows of a model; None: not asked for, or the commands did not come to it."""

    task: str | None = None
    parameters: int | None = None
    dtype: str | None = None
    runs: bool | None = None  # whether `infer`, or else a later command, ran it to its end
    right: bool | None = None  # the verdict of `compare`
    rehearsed: bool = False  # whether the candidate was emulated
    floors: float | None = None  # the largest error of an output, in noise floors
    within_1_percent: bool | None = None
    arithmetic: dict[str, str] = msgspec.field(default_factory=dict)  # found, by class of operators
    operand_bits: dict[str, int] = msgspec.field(default_factory=dict)  # mantissa bits kept, by the same classes
    latency_ms: float | None = None  # median of `bench`
    latency_interval_ms: tuple[float, float] | None = None  # of that median
    of_limit: float | None = None  # shortest possible time / latency
    memory_bytes: int | None = None  # peak


class SweepRow(Record, frozen=True, kw_only=True):
    """One model of a sweep."""

    name: str  # unique in the sweep
    model: str
    folder: str  # its logs, below the sweep's folder
    status: RowStatus
    cause: Cause | None = None  # None: it passed
    steps: tuple[SweepStep, ...] = ()
    attempts: int = 0
    seconds: float = 0.0  # of all attempts
    placement: Placement | None = None  # None: not run
    identity: Identity | None = None  # None: not run
    figures: ModelFigures = ModelFigures()
    summary_sha256: str | None = None  # of the summary behind the figures; None: no command wrote one
    ended_at: str = ""  # UTC; empty: not run


class LostDevice(Record, frozen=True, kw_only=True):
    """A device that was taken out of the sweep, and the model that it was lost with."""

    placement: Placement
    model: str
    cause: Cause


class CauseGroup(Record, frozen=True, kw_only=True):
    """The models that failed for one cause."""

    id: str
    subject: str
    models: tuple[str, ...]


class Change(Record, frozen=True, kw_only=True):
    """What differs for one model between two sweeps."""

    model: str
    id: str  # newly-failing | newly-passing | slower | faster | coarser | another-cause | added | gone
    before: float | str | None = None  # None: the id says it all
    now: float | str | None = None  # None: likewise


class SweepDiff(Record, frozen=True, kw_only=True):
    """A sweep against an earlier one."""

    schema_version: int
    tool: ToolInfo
    old: str
    new: str
    versions: dict[str, tuple[str | None, str | None]]  # what is of another version; None: it was not there
    compared: int  # models of both
    changes: tuple[Change, ...]  # what is worse comes first
    worse: bool


class Counts(Record, frozen=True, kw_only=True):
    passed: int
    failed: int
    not_run: int


class Sweep(Record, frozen=True, kw_only=True):
    """A whole sweep. `counts` and `groups` follow from the rows."""

    schema_version: int
    tool: ToolInfo
    name: str
    command: str  # the last command line that added to it
    created_at: str  # UTC
    written_at: str  # UTC
    run: tuple[str, ...]  # the commands of each model, unless its own options say otherwise
    rows: tuple[SweepRow, ...]
    counts: Counts
    groups: tuple[CauseGroup, ...]  # the largest first
    lost: tuple[LostDevice, ...] = ()
    repeated: tuple[Fact, ...] = ()  # which models were run again when it was resumed, and what had changed


def counts_of(rows: tuple[SweepRow, ...]) -> Counts:
    statuses = [row.status for row in rows]
    return Counts(passed=statuses.count("passed"), failed=statuses.count("failed"), not_run=statuses.count("not-run"))


def groups_of(rows: tuple[SweepRow, ...]) -> tuple[CauseGroup, ...]:
    """The failed models by what they failed for, the largest group first, then by name."""
    models: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.cause is not None:
            models.setdefault((row.cause.id, row.cause.subject), []).append(row.name)
    ordered = sorted(models.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(CauseGroup(id=id, subject=subject, models=tuple(names)) for (id, subject), names in ordered)


def encode_sweep(record: Record) -> bytes:
    """UTF-8 JSON, two spaces of indentation, a final newline."""
    return as_json(record)


def decode_sweep(data: bytes, *, origin: str) -> Sweep:
    """The sweep in `data`; `origin` names the file in messages. Raises `SummaryUnreadable`."""
    try:
        head: Any = msgspec.json.decode(data)
        version = head["schema_version"]
        known = isinstance(version, int) and version <= SWEEP_SCHEMA_VERSION
        if known and head["tool"]["name"] == "npu-adapt":
            return msgspec.convert(head, Sweep)
    except (msgspec.DecodeError, msgspec.ValidationError, KeyError, TypeError) as error:
        raise SummaryUnreadable(
            Sentence("{origin} is no record of a sweep: {error}", origin=origin, error=error),
            hint="name the folder of a sweep, or its sweep.json",
        ) from error
    raise SummaryUnreadable(
        Sentence("{origin} was written by another program or a newer npu-adapt", origin=origin),
        hint="name the folder of a sweep; pip install --upgrade npu-adapt",
    )
