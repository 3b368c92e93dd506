"""What lies at a path: a summary, a logs folder, a bundle, reports of anybody's."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from npu_adapt.errors import Sentence, SummaryUnreadable, UsageError
from npu_adapt.evidence import HISTORY_FOLDER, LOG_FILES, SUMMARY_FILE, read_summary
from npu_adapt.files import is_file, is_folder, read_regular
from npu_adapt.records import Summary, encode

REPORTS = (".md", ".markdown", ".txt", ".html", ".htm", ".rst")
LARGEST_SUMMARY = 256 << 20  # bytes
LARGEST_REPORT = 1 << 20  # bytes: fifty times what a report holds
MOST_REPORTS = 40
NO_REPORTS = frozenset(
    {"requirements.txt", "license.txt", "licence.txt", "notice.txt", "constraints.txt", "changelog.md", "license.md"}
)
SKIPPED = frozenset({".git", "node_modules", "__pycache__", ".venv", "site-packages", HISTORY_FOLDER})
DEEPEST = 3
NEXT = "name a summary.json, a logs folder, a bundle, or a report as Markdown, text or HTML"


@dataclass(frozen=True)
class OwnSummary:
    """A summary of npu-adapt, and where it lies."""

    path: Path
    summary: Summary
    hashes: frozenset[str]  # SHA-256 that a report of it may carry: of its file, and of what it holds


@dataclass(frozen=True)
class Gathered:
    """All that an audit reads."""

    root: Path
    summaries: tuple[OwnSummary, ...] = ()
    reports: tuple[Path, ...] = ()
    logs: tuple[Path, ...] = ()  # those that belong to the first summary
    older: tuple[OwnSummary, ...] = field(default=())  # in the history


def gathered(path: Path) -> Gathered:
    """What there is to audit at `path`. Raises `UsageError`, and `SummaryUnreadable` for a summary that is torn."""
    _require_path(path)
    if is_folder(path):
        return _of_folder(path)
    if path.suffix.lower() == ".json":
        own = _own(path)
        return Gathered(path, (own,), (), _logs_beside(path), _history(path.parent))
    summaries = _summaries(path.parent) if _is_rendered(path) else ()
    older = tuple(each for own in summaries for each in _history(own.path.parent))
    return Gathered(path, summaries, (path,), (), older)


def _require_path(path: Path) -> None:
    if re.match(r"[a-z]+:/{1,2}\w", str(path)):
        raise UsageError(
            Sentence("{path} is an address; audit reads files", path=path), hint="download it first, then name the file"
        )
    try:
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise UsageError(Sentence("{path} cannot be read: {error}", path=path, error=error), hint=NEXT) from error
    if not exists:
        raise UsageError(Sentence("{path} does not exist", path=path), hint=NEXT)


def _of_folder(folder: Path) -> Gathered:
    summaries = _summaries(folder)
    reports = tuple(_reports(folder))
    if not summaries and not reports:
        raise UsageError(
            Sentence("{folder} holds neither a summary of npu-adapt nor a report", folder=folder), hint=NEXT
        )
    older = tuple(each for own in summaries for each in _history(own.path.parent))
    logs = _logs_beside(summaries[0].path) if summaries else ()
    return Gathered(folder, summaries, reports, logs, older)


def _summaries(folder: Path) -> tuple[OwnSummary, ...]:
    """The summaries of npu-adapt in a folder or in `logs` or `results` below it."""
    places = [folder / SUMMARY_FILE, folder / "logs" / SUMMARY_FILE, folder / "results" / SUMMARY_FILE]
    return tuple(_own(place) for place in places if is_file(place) and _is_ours(place))


def _is_ours(path: Path) -> bool:
    """Whether a summary.json is one of npu-adapt's, torn or not; another program's is none of ours."""
    try:
        head = read_regular(path, LARGEST_SUMMARY)[:2000]
    except OSError:
        return True  # what it is, reading it says
    return b"npu-adapt" in head or b"schema_version" in head


def _own(path: Path) -> OwnSummary:
    summary = read_summary(path)
    raw = sha256(read_regular(path, LARGEST_SUMMARY)).hexdigest()
    return OwnSummary(path, summary, frozenset({raw, sha256(encode(summary)).hexdigest()}))


def _history(folder: Path) -> tuple[OwnSummary, ...]:
    found = []
    for path in sorted((folder / HISTORY_FOLDER).glob(f"*/{SUMMARY_FILE}")):
        try:
            found.append(_own(path))
        except SummaryUnreadable:
            continue  # a draft of a run that was killed
    return tuple(found)


def _logs_beside(path: Path) -> tuple[Path, ...]:
    return tuple(each for name in LOG_FILES.values() if is_file(each := path.parent / name))


def _reports(folder: Path) -> list[Path]:
    """Reports of a folder and of folders below it, the nearest first."""
    found: list[Path] = []
    level = [folder]
    for _ in range(DEEPEST):
        below: list[Path] = []
        for each in level:
            try:
                entries = sorted(each.iterdir())
            except OSError:
                continue
            found += [
                e for e in entries if e.suffix.lower() in REPORTS and e.name.lower() not in NO_REPORTS and is_file(e)
            ]
            below += [e for e in entries if e.name not in SKIPPED and not e.is_symlink() and is_folder(e)]
        level = below[:200]
    return found[:MOST_REPORTS]


def _is_rendered(path: Path) -> bool:
    """Whether a report is one of npu-adapt's: it carries the hash of its summary."""
    try:
        return b"summary_sha256" in read_regular(path, LARGEST_REPORT)
    except OSError:
        return False
