"""The weights on this disk against the hashes of the summary, and online the hub's list against both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from npu_adapt.files import is_file
from npu_adapt.models.hashing import FileHash, hash_files
from npu_adapt.models.hubs import HUBS
from npu_adapt.models.hubs.hub import HubFailure
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Summary
from npu_adapt.records.audit import AuditFinding, Note
from npu_adapt.workflows.audit.findings import of_field


def against_files(summary: Summary, file: str, progress: Progress) -> tuple[list[AuditFinding], list[Note], int]:
    """Each weight file hashed again where it lies; a note where it is not on this machine."""
    weights = summary.weights
    if weights is None or not weights.files:
        return [], [], 0
    paths = {Path(weights.path) / each.name: each for each in weights.files}
    there = {path: each for path, each in paths.items() if is_file(path)}
    notes = [Note(id="weights-elsewhere", values={"path": weights.path})] if len(there) < len(paths) else []
    found: list[AuditFinding] = []
    with progress.task(
        doing("verifying", files=len(there)), float(sum(path.stat().st_size for path in there)), "bytes"
    ) as step:
        hashes = dict(hash_files(there, step.advance))
    for at, (path, each) in enumerate(paths.items()):
        hashed = hashes.get(path)
        if isinstance(hashed, FileHash) and hashed.sha256 != each.sha256:
            field = f"weights.files.{at}.sha256"
            found.append(of_field("weights-changed", file, field, each.sha256, hashed.sha256, str(path)))
    return found, notes, len(there)


def against_hub(summary: Summary, file: str) -> tuple[list[AuditFinding], list[Note], int]:
    """The recorded hashes beside those that the hub lists for that model and revision."""
    model, weights = summary.model, summary.weights
    if model is None or weights is None or model.source not in ("modelscope", "huggingface"):
        return [], [], 0
    try:
        listed = dict(_listed(model.source, model.id, model.revision))
    except HubFailure as error:
        return [], [Note(id="hub-not-asked", values={"source": model.source, "message": error.message})], 0
    found, compared = [], 0
    for at, each in enumerate(weights.files):
        if each.name in listed:
            compared += 1
            if listed[each.name] != each.sha256:
                field = f"weights.files.{at}.sha256"
                source = f"{model.source} {model.id}"
                found.append(of_field("weights-not-hubs", file, field, each.sha256, listed[each.name], source))
    return found, [], compared


def _listed(source: str, model: str, revision: str | None) -> Iterator[tuple[str, str]]:
    """Name and SHA-256 of each file that the hub lists with one."""
    listing = HUBS[source]().listing(model, revision, whole=False)
    for name in listing.claims:
        digest = listing.file(name).listed.sha256
        if digest is not None:
            yield name, digest
