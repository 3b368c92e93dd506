"""A report of ours against the summary it was rendered from: rendered again, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from html import unescape
from pathlib import Path

from npu_adapt import __version__
from npu_adapt.claims.blocks import front_matter
from npu_adapt.claims.html_tables import without_tags
from npu_adapt.files import read_regular
from npu_adapt.records import Summary
from npu_adapt.records.audit import AuditFinding, Note, Place
from npu_adapt.report.markdown import render
from npu_adapt.report.phrases import Language
from npu_adapt.workflows.audit.findings import short
from npu_adapt.workflows.audit.place import LARGEST_REPORT, Gathered, OwnSummary

_HASH = re.compile(r'^summary_sha256:\s*"?([0-9a-fA-F]{64})"?\s*$', re.MULTILINE)
_PAGE = re.compile(r'<!DOCTYPE html>\n<html lang="(en|zh)">')
_HASH_OF_PAGE = re.compile(r'^<meta name="summary_sha256" content="([0-9a-fA-F]{64})">$', re.MULTILINE)
LANGUAGES: tuple[Language, ...] = ("en", "zh")


def summary_hash(text: str) -> str | None:
    """The SHA-256 that a report of ours carries; None: it is not ours."""
    match = _HASH_OF_PAGE.search(text) if _PAGE.match(text) else _HASH.search(front_matter(text)[0])
    return match[1].lower() if match else None


def first_language(text: str) -> str:
    """A report of ours as it says everything once: a page without its second language."""
    first, marker, rest = text.partition("\n<article ") if _PAGE.match(text) else (text, "", "")
    return first + marker + rest.partition("\n<article ")[0]


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
    if page := _PAGE.match(text):
        text, expected = _whole(path, text), _page(own.summary, "zh" if page[1] == "zh" else "en")
    else:
        expected = min((render(own.summary, each) for each in LANGUAGES), key=lambda each: _distance(text, each))
    found += differences(path, text.splitlines(), expected.splitlines(), own)
    return found, [], len(expected.splitlines())


def _page(summary: Summary, language: Language) -> str:
    """The page without the pictures of the inputs: what the file has more than this is no contradiction."""
    from npu_adapt.report.html import render as render_page

    return render_page(summary, language)


def _whole(path: Path, text: str) -> str:
    """A page with all of its lines' letters, which a picture has more of than are read of a report."""
    try:
        return read_regular(path, LARGEST_REPORT).decode(errors="replace")
    except OSError:
        return text


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


_SECTION = re.compile(r"<summary><h2>(.*)</h2></summary>|</details>|<section class=\"(first|pictures)\"")
_TITLE = re.compile(r"<(?:dt|td[^>]*)>(.*?)</(?:dt|td)>|<figcaption[^>]*>(.*?)</figcaption>")


def _field_of_page(lines: Sequence[str], at: int) -> str:
    """What a line of a page is about: its section, and the name of its row or picture."""
    opened = next((found for n in range(at, -1, -1) if (found := _SECTION.search(lines[n]))), None)
    section = "" if opened is None else without_tags(opened[1] or opened[2] or "").strip()
    named = _TITLE.search(lines[at])
    title = "" if named is None else without_tags(named[1] or named[2] or "").strip()
    return ": ".join(unescape(part) for part in (section, title) if part)


def _field(lines: Sequence[str], at: int) -> str:
    """What a line of a report is about: its section and the name in its first cell, or the key of the front matter."""
    line = lines[at]
    if _PAGE.match("\n".join(lines[:2])):
        return _field_of_page(lines, at)
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
