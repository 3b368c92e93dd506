"""A report of ours against the summary it was rendered from: rendered again, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from npu_adapt import __version__
from npu_adapt.claims.blocks import front_matter
from npu_adapt.records.audit import AuditFinding, Note, Place
from npu_adapt.report.markdown import render
from npu_adapt.report.phrases import Language
from npu_adapt.workflows.audit.findings import short
from npu_adapt.workflows.audit.place import Gathered, OwnSummary

_HASH = re.compile(r'^summary_sha256:\s*"?([0-9a-fA-F]{64})"?\s*$', re.MULTILINE)
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def summary_hash(text: str) -> str | None:
    """The SHA-256 that a report of ours carries; None: it is not ours."""
    match = _HASH.search(front_matter(text)[0])
    return match[1].lower() if match else None


def against_summary(path: Path, text: str, among: Gathered) -> tuple[list[AuditFinding], list[Note], int]:
    """What a report says that its summary does not; notes on what could not be compared; and the lines compared."""
    wanted = summary_hash(text)
    own = next((each for each in (*among.summaries, *among.older) if wanted in each.hashes), None)
    found: list[AuditFinding] = []
    if own is None:
        if not among.summaries:
            return [], [Note(id="no-summary", values={"report": str(path)})], 0
        own = among.summaries[0]
        found.append(_of_another(path, wanted or "", own))
    if own.summary.tool.version != __version__:
        return found, [Note(id="other-version", values={"version": own.summary.tool.version})], 1
    expected = min((render(own.summary, each) for each in LANGUAGES), key=lambda each: _distance(text, each))
    found += differences(path, text.splitlines(), expected.splitlines(), own)
    return found, [], len(expected.splitlines())


def _of_another(path: Path, wanted: str, own: OwnSummary) -> AuditFinding:
    values = {"report": wanted[:12], "found": min(own.hashes)[:12], "source": str(own.path)}
    place = Place(file=str(path), field="summary_sha256", quote=wanted)
    return AuditFinding(
        id="report-of-another", nature="contradiction", certainty="certain", places=(place,), values=dict(values)
    )


def _distance(text: str, rendered: str) -> int:
    """How many lines of a rendering the text has not."""
    lines = set(text.splitlines())
    return sum(line not in lines for line in rendered.splitlines())


def differences(path: Path, lines: Sequence[str], expected: Sequence[str], own: OwnSummary) -> Iterator[AuditFinding]:
    """Lines that were changed or left out; what somebody added is no contradiction to the summary."""
    matcher = SequenceMatcher(None, expected, lines, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind in ("equal", "insert"):
            continue
        theirs = list(range(c, d))
        for at in range(a, b):
            line = expected[at]
            if not line.strip() or line.startswith("summary_sha256"):
                continue
            near = max(theirs, key=lambda n: SequenceMatcher(None, line, lines[n]).ratio(), default=None)
            alike = near is not None and SequenceMatcher(None, line, lines[near]).ratio() > 0.5
            if alike and near is not None:
                theirs.remove(near)
            stands = lines[near] if alike and near is not None else ""
            field = _field(expected, at)
            place = Place(
                file=str(path), line=near + 1 if alike and near is not None else None, field=field, quote=short(stands)
            )
            values = {"field": field, "recorded": short(stands), "derived": short(line), "source": str(own.path)}
            yield AuditFinding(
                id="report-differs", nature="contradiction", certainty="certain", places=(place,), values=dict(values)
            )


def _field(lines: Sequence[str], at: int) -> str:
    """What a line of a report is about: its section and the name in its first cell, or the key of the front matter."""
    line = lines[at]
    heading = next(
        (
            lines[n].lstrip("# ")
            for n in range(at, -1, -1)
            if lines[n].startswith("#") and not lines[n].startswith("#+")
        ),
        "",
    )
    if line.startswith("|"):
        return f"{heading}: {line.strip('| ').split('|')[0].strip().strip('`')}"
    if not heading and ":" in line:
        return line.partition(":")[0].strip()
    return heading
