"""The order of an audit: what is there, ours against itself, reports against summaries, every text against itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from npu_adapt.claims.audit import CONTRADICTIONS, ORDER, audit_text
from npu_adapt.claims.gaps import empty_cells, placeholders
from npu_adapt.claims.report import ReportText
from npu_adapt.claims.text import NotText, decoded
from npu_adapt.consistency import contradictions
from npu_adapt.errors import Sentence, UsageError
from npu_adapt.files import is_file, is_folder, read_regular
from npu_adapt.progress import Progress
from npu_adapt.records.audit import Audit, AuditFinding, Note
from npu_adapt.workflows.audit.commands import against_commands
from npu_adapt.workflows.audit.findings import of_contradictions, of_text
from npu_adapt.workflows.audit.handed_in import README, against_record, is_bundle
from npu_adapt.workflows.audit.logs import against_logs
from npu_adapt.workflows.audit.outputs import SAVED, against_outputs
from npu_adapt.workflows.audit.place import LARGEST_REPORT, NEXT, Gathered, OwnSummary, gathered
from npu_adapt.workflows.audit.rendered import against_summary, first_language, summary_hash
from npu_adapt.workflows.audit.request import AuditRequest
from npu_adapt.workflows.audit.results import Results, against_results, read_results, result_files
from npu_adapt.workflows.audit.weights import against_files, against_hub
from npu_adapt.workflows.reading import broken_chain, differences_from_copy, is_checked

PDF = b"%PDF-"
OF_OURS = (*CONTRADICTIONS, empty_cells, placeholders)  # our own reports say themselves what they lack


@dataclass
class _Collected:
    """What has been found so far."""

    findings: list[AuditFinding] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    checks: int = 0

    def add(self, part: tuple[list[AuditFinding], list[Note], int]) -> None:
        self.findings += part[0]
        self.notes += part[1]
        self.checks += part[2]

    def tally(self, compared: Iterable[tuple[int, AuditFinding | None]]) -> None:
        for count, finding in compared:
            self.checks += count
            self.findings += [] if finding is None else [finding]


def audit(request: AuditRequest, progress: Progress) -> Audit:
    """Everything that contradicts itself at the path, what it lacks, and what to ask about.

    Raises `UsageError` for what cannot be audited: no path, no text, too large, a folder without a report.
    """
    there = gathered(request.path)
    found = _Collected()
    for at, own in enumerate(there.summaries):
        _audit_summary(own, there.logs if at == 0 else (), request, found, progress)
    results = read_results(result_files(request.path)) if is_folder(request.path) else {}
    handed_in = request.path / README if there.summaries and is_bundle(request.path) else None
    if handed_in is not None:
        found.add(against_record(request.path, there.summaries[0]))
    for report in there.reports:
        known = _Known(there, results, rendered=report == handed_in)
        _audit_report(report, known, found, alone=len(there.reports) == 1 and not there.summaries)
    found.files += map(str, results)
    if not found.files:
        raise UsageError(Sentence("{path} holds no text that could be read", path=request.path), hint=NEXT)
    findings = sorted(_distinct(found.findings), key=_order)
    return Audit(
        path=str(request.path),
        files=tuple(found.files),
        checks=found.checks,
        findings=tuple(findings),
        notes=tuple(found.notes),
        contradicts_itself=any(each.nature == "contradiction" for each in findings),
    )


def _order(finding: AuditFinding) -> tuple[int, str, int]:
    place = finding.places[0]
    return ORDER.index(finding.nature), place.file, place.line or 0


def _distinct(findings: Iterable[AuditFinding]) -> list[AuditFinding]:
    """Each finding once: two rules may see one thing."""
    seen: dict[tuple[object, ...], AuditFinding] = {}
    for each in findings:
        seen.setdefault((each.id, each.places), each)
    return list(seen.values())


def _audit_summary(
    own: OwnSummary, logs: tuple[Path, ...], request: AuditRequest, found: _Collected, progress: Progress
) -> None:
    """A summary of ours: what it derives from, its copies, logs, commands, weights, saved outputs."""
    path, summary = own.path, own.summary
    found.files += [str(path), *map(str, logs)]
    if is_checked(path):
        found.findings += of_contradictions("derived-figure", path, contradictions(summary))
        found.checks += 1
    found.findings += of_contradictions("edited-copy", path, differences_from_copy(path, summary))
    found.findings += of_contradictions("history-chain", path, broken_chain(path, summary))
    found.tally(against_logs(summary, logs))
    found.tally(against_commands(summary, str(path)))
    found.add(against_files(summary, str(path), progress))
    if not request.offline:
        found.add(against_hub(summary, str(path)))
    if is_file(path.parent / SAVED):
        found.add(against_outputs(path.parent, str(path)))


@dataclass(frozen=True)
class _Known:
    """What a report is held against."""

    there: Gathered
    results: Results
    rendered: bool  # whether it was compared with the record already, as part of a bundle


def _audit_report(path: Path, known: _Known, found: _Collected, *, alone: bool) -> None:
    """A report: against the summary that it names, against itself, and against the results beside it."""
    text = read_report(path, alone=alone, notes=found.notes)
    if text is None:
        return
    found.files.append(str(path))
    is_ours = summary_hash(text) is not None
    hashes = {each for own in known.there.summaries for each in own.hashes}
    is_the_record = known.rendered and summary_hash(text) in hashes
    if is_ours and not is_the_record:
        result = against_summary(path, text, known.there)
        found.add(result)
        is_the_record = not (result[0] or result[1])
    read = ReportText(first_language(text) if is_ours else text)
    if not is_the_record:  # what the record says word by word is held against the record, not against itself
        found.findings += of_text(audit_text(read, OF_OURS) if is_ours else audit_text(read), str(path))
    found.findings += against_results(read, path, known.results)
    found.checks += len(read.claims)


def read_report(path: Path, *, alone: bool, notes: list[Note]) -> str | None:
    """The text of a report. What cannot be read is an error where it is all that was named, else a note."""
    failure = None
    try:
        data = read_regular(path, LARGEST_REPORT)
        if not data.startswith(PDF):
            return decoded(data)
    except OSError as error:
        failure = UsageError(Sentence("{path} cannot be read: {reason}", path=path, reason=error.strerror), hint=NEXT)
    except NotText:
        failure = UsageError(Sentence("{path} is no text: neither UTF-8, UTF-16 nor GBK", path=path), hint=NEXT)
    if failure is None:
        failure = UsageError(
            Sentence("{path} is a PDF; audit reads text", path=path), hint="make text of it: pdftotext -layout FILE"
        )
    if alone:
        raise failure
    notes.append(Note(id="not-read", values={"file": str(path), "message": failure.message}))
    return None
