"""Result files beside a report: figures that the two give differently."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from npu_adapt.claims.claim import Claim
from npu_adapt.claims.report import ReportText
from npu_adapt.claims.results import claims_of_json, differing
from npu_adapt.evidence import SUMMARY_FILE
from npu_adapt.files import SMALL_FILE, read_regular
from npu_adapt.records.audit import AuditFinding, Certainty, Place

Results: TypeAlias = dict[Path, tuple[Claim, ...]]  # the figures of each file
MOST_FILES = 40
_FOLDERS = ("results", "result", "logs", "eval", "outputs", "output", "")
_NAMED = re.compile(r"result|accura|perf|bench|metric|latenc|compar|eval|inference|精度|性能", re.IGNORECASE)


def result_files(folder: Path) -> tuple[Path, ...]:
    """JSON files that hold results, by their folder or their name; ours are another matter."""
    found: list[Path] = []
    for name in _FOLDERS:
        entries = sorted((folder / name).glob("*.json"))
        found += [
            each
            for each in entries
            if each.name != SUMMARY_FILE and (name.startswith("result") or _NAMED.search(each.name))
        ]
    return tuple(dict.fromkeys(found))[:MOST_FILES]


def read_results(paths: tuple[Path, ...]) -> Results:
    """The figures of each file that is JSON."""
    read: Results = {}
    for path in paths:
        try:
            data = json.loads(read_regular(path, SMALL_FILE))
        except (OSError, ValueError, RecursionError):
            continue
        read[path] = tuple(claims_of_json(data))
    return read


def against_results(report: ReportText, path: Path, results: Results) -> Iterator[AuditFinding]:
    """What a report says and a result file beside it says otherwise."""
    recorded = [claim for claims in results.values() for claim in claims]
    files = {id(claim): file for file, claims in results.items() for claim in claims}
    for each in differing(report.claims, recorded):
        file = files[id(each.recorded)]
        places = (
            Place(file=str(path), line=each.said.line, quote=each.said.quote),
            Place(file=str(file), field=each.recorded.label, quote=each.recorded.quote),
        )
        values = {"said": each.said.quote, "recorded": each.recorded.quote, "source": file.name}
        certainty: Certainty = "certain" if each.is_certain else "likely"
        yield AuditFinding(
            id="results-differ", nature="contradiction", certainty=certainty, places=places, values=dict(values)
        )
