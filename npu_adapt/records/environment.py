"""The records of a machine: hardware, software, and what does not fit."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from npu_adapt.records.base import Fact, Record, Value

Severity: TypeAlias = Literal["error", "warning", "note"]


class DeviceInfo(Record, frozen=True, kw_only=True):
    index: int
    name: str
    memory_bytes: int | None  # None: the backend does not tell
    free_memory_bytes: int | None = None  # None: the backend does not tell
    health: str | None = None  # None: no management tool answered
    kind: str = ""  # what torch calls it before the colon: "npu"
    usable: bool | None = None  # whether it computed; None: nobody tried


class Problem(Record, frozen=True, kw_only=True):
    """One thing in the environment that does not fit: its words are the phrases "finding-ID-found", "-wanted", …"""

    id: str
    severity: Severity
    values: dict[str, Value] = msgspec.field(default_factory=dict)  # what was found and what was wanted


class Environment(Record, frozen=True, kw_only=True):
    python: str
    platform: str
    torch: str | None  # None: not installed, which only `env` can report
    torch_npu: str | None  # None: not installed
    transformers: str | None  # None: not installed
    cann: str | None  # None: no CANN found, or one whose files do not tell
    driver: str | None  # None: no driver found, or one whose files do not tell
    firmware: str | None  # None: no firmware found
    devices: tuple[DeviceInfo, ...] = ()
    problems: tuple[Problem, ...] = ()
    cpu: str | None = None  # None: the platform does not name its processor
    cpu_cores: int = 0
    memory_bytes: int = 0
    packages: dict[str, str] = msgspec.field(
        default_factory=dict
    )  # the other packages that shape the numbers, by distribution name
    variables: dict[str, str] = msgspec.field(
        default_factory=dict
    )  # environment variables that the device's stack reads
    npu_smi: str | None = None  # the tool's text where it was read but not understood; None: absent or understood


class EnvironmentChanges(Record, frozen=True, kw_only=True):
    """What differs from the environment of an earlier summary."""

    since: str  # the file that was compared with
    created_at: str  # when that was recorded
    changes: tuple[Fact, ...]  # name, before and after of each thing that differs
