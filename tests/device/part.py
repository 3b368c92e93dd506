"""A part of the examination of a device: what it is, what it is given, and what it leaves behind.

Nothing here needs more than Python: the runner works before the carried packages are unpacked.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Skipped(Exception):
    """The part does not apply here; the message is the reason."""


@dataclass(frozen=True)
class Part:
    """One part, run in a process of its own."""

    name: str
    module: str  # that holds the function
    function: str
    seconds: float  # the most it gets
    least: float  # it is not started with fewer seconds left
    alone: bool = False  # it measures time: nothing runs beside it
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What a part is given."""

    device: str  # "cuda:0"
    work: Path  # a folder of its own
    shared: Path  # a folder of all parts: models that are made once
    carried: Path  # the carried folder, which may not exist
    small: bool  # whether the models are to be tiny: a CPU has no time for others
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def encoded(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def decoded(cls, text: str) -> Context:
        fields = json.loads(text)
        return cls(**{**fields, **{name: Path(fields[name]) for name in ("work", "shared", "carried")}})


class Report:
    """What a part has found so far, written to its file at every change: a part that is killed leaves that much."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content: dict[str, Any] = {"headline": "", "checks": [], "facts": {}}

    def say(self, headline: str) -> None:
        """The one line of the table."""
        self._content["headline"] = headline
        self._save()

    def put(self, **facts: Any) -> None:
        """Adds facts."""
        self._content["facts"].update(facts)
        self._save()

    def check(self, name: str, holds: bool, value: Any = None, limit: Any = None) -> None:
        """Adds something that must hold, with what was measured and what was asked for."""
        self._content["checks"].append({"name": name, "holds": bool(holds), "value": value, "limit": limit})
        self._save()

    def _save(self) -> None:
        write_json(self._path, self._content)


def hide_torch_npu() -> None:
    """Keeps torch and transformers from importing it where no NPU is used: without CANN it cannot be imported."""
    os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
    sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]


def write_json(path: Path, content: Any) -> None:
    """Writes `content` whole or not at all. Numbers that JSON does not have become null."""
    write_text(path, json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes `text` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).chmod(0o644)
    Path(name).replace(path)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None  # neither NaN nor an infinity
    return str(value)
