"""Reading a summary that others may have edited: derived figures are computed again, its copy is compared."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from npu_adapt.consistency import Contradiction, contradictions
from npu_adapt.errors import Sentence, SummaryUnreadable
from npu_adapt.evidence import HISTORY_FOLDER, SUMMARY_FILE, read_summary
from npu_adapt.evidence.summaries import LARGEST_SUMMARY
from npu_adapt.files import read_regular
from npu_adapt.records import HistoryEntry, Summary, decode

SHOWN = 60  # characters of a value
NAMED = 3  # contradictions
CHECKED_SINCE = 2  # schema 1 does not hold all that its figures derive from


class SummaryEdited(SummaryUnreadable):
    """The summary contradicts itself, or its own copy in the history."""


class _Head(msgspec.Struct):
    schema_version: int
    history: HistoryEntry | None = None


def read_checked(path: Path) -> Summary:
    """The summary in `path`, in which nothing contradicts anything.

    Raises `SummaryUnreadable`, and `SummaryEdited` with the field, what stands there and what it derives from.
    """
    summary = read_summary(path)
    if not is_checked(path):
        return summary
    found = (*contradictions(summary), *differences_from_copy(path, summary), *broken_chain(path, summary))
    if found:
        named = [_said(each) for each in found[:NAMED]]
        if len(found) > NAMED:
            named.append(Sentence("and {count} more", count=len(found) - NAMED))
        raise SummaryEdited(
            Sentence("{path} contradicts itself: {found}", path=path, found=Sentence.joined("; ", named)),
            hint=_hint(path, summary),
        )
    return summary


def is_checked(path: Path) -> bool:
    """Whether the summary in `path` holds all that its figures derive from."""
    return msgspec.json.decode(path.read_bytes(), type=_Head).schema_version >= CHECKED_SINCE


def _said(found: Contradiction) -> str:
    return Sentence(
        "{field} is {recorded}, and {derived} by {source}",
        field=found.field,
        recorded=_short(found.recorded),
        derived=_short(found.derived),
        source=found.source,
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _hint(path: Path, summary: Summary) -> str:
    copy = _copy_of(path, summary)
    if copy is None or _bytes_of(copy) is None:
        return "run the command again"
    return Sentence("run the command again, or take the copy of the run: {copy}", copy=copy)


def _copy_of(path: Path, summary: Summary) -> Path | None:
    """Where the run's own copy lies; None: the summary names none, or is that copy."""
    if summary.history is None or path.parent.name == summary.history.folder:
        return None
    return _history_beside(path) / summary.history.folder / SUMMARY_FILE


def _bytes_of(path: Path) -> bytes | None:
    """What a copy in the history holds; None: there is none that can be read, whatever stands in its place."""
    try:
        return read_regular(path, LARGEST_SUMMARY)
    except OSError:
        return None


def _history_beside(path: Path) -> Path:
    above = path.parent.parent
    return above if above.name == HISTORY_FOLDER else path.parent / HISTORY_FOLDER


def differences_from_copy(path: Path, summary: Summary) -> tuple[Contradiction, ...]:
    """What differs from the copy of the run in the history; nothing where there is none."""
    copy = _copy_of(path, summary)
    data = None if copy is None else _bytes_of(copy)
    if copy is None or data is None or data == path.read_bytes():
        return ()
    return tuple(_differences(summary, decode(data, origin=str(copy)), copy))


def broken_chain(path: Path, summary: Summary) -> tuple[Contradiction, ...]:
    """Earlier summaries in the history that are not what they were when the next one was written."""
    return tuple(_chain(_history_beside(path), summary.history))


def _differences(summary: Summary, copy: Summary, place: Path) -> list[Contradiction]:
    here, there = _leaves(msgspec.to_builtins(summary)), _leaves(msgspec.to_builtins(copy))
    fields = [field for field in {**here, **there} if here.get(field) != there.get(field)]
    return [Contradiction(field, here.get(field), there.get(field), f"its copy {place}") for field in fields]


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every plain value by its dotted path."""
    if isinstance(value, dict):
        items = [(str(name), each) for name, each in value.items()]
    elif isinstance(value, (list, tuple)):
        items = [(str(at), each) for at, each in enumerate(value)]
    else:
        return {path: value}
    return {
        field: leaf for name, each in items for field, leaf in _leaves(each, f"{path}.{name}" if path else name).items()
    }


def _chain(history: Path, entry: HistoryEntry | None) -> list[Contradiction]:
    """Earlier summaries whose bytes are not those that the next one was written after; a removed one ends the chain."""
    while entry is not None and entry.previous is not None and entry.previous_sha256 is not None:
        path = history / entry.previous / SUMMARY_FILE
        data = _bytes_of(path)
        if data is None:
            break
        found = sha256(data).hexdigest()
        if found != entry.previous_sha256:
            source = f"history.previous_sha256 of the run after it ({entry.folder})"
            return [Contradiction(f"the SHA-256 of {path}", found, entry.previous_sha256, source)]
        try:
            entry = msgspec.json.decode(data, type=_Head).history
        except (ValueError, RecursionError):
            break
    return []
