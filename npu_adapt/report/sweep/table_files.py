"""The matrix for other programs: CSV and JUnit XML. Names and values as the record has them, in no language."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

from npu_adapt.records.sweep import Sweep, SweepRow
from npu_adapt.report.document import printable
from npu_adapt.report.sweep.words import cause_words

FIELDS = (
    "name", "model", "status", "cause", "subject", "message", "task", "parameters", "dtype", "runs", "right",
    "floors", "within_1_percent", "latency_ms", "of_limit", "memory_bytes", "node", "device", "attempts", "seconds",
    "folder",
)  # fmt: skip
_FORMULA = re.compile(r"^[=+@\t\r-]")  # what a spreadsheet would calculate
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
VERDICTS = ("wrong-", "failed-", "nan-output")  # causes that are a judgement, not an accident


def render_csv(sweep: Sweep) -> str:
    """One line for each model under the fields' names."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(FIELDS)
    for row in sweep.rows:
        values = _values(row)
        writer.writerow([_cell(values[name]) for name in FIELDS])
    return file.getvalue()


def _values(row: SweepRow) -> dict[str, object]:
    cause, place, figures = row.cause, row.placement, row.figures
    return {
        **{name: getattr(row, name) for name in ("name", "model", "status", "attempts", "seconds", "folder")},
        **{name: getattr(figures, name, None) for name in FIELDS[6:16]},
        "cause": cause and cause.id,
        "subject": cause and cause.subject,
        "message": cause and cause.message,
        "node": place and place.node,
        "device": place and place.device,
    }


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = printable(value)
        return f"'{text}" if _FORMULA.match(text) else text
    return "" if value is None else value


def render_junit(sweep: Sweep) -> str:
    """A test suite with a case for each model: a failed verdict is a failure, any other end an error."""
    verdicts = [row for row in sweep.rows if row.status == "failed" and _is_verdict(row)]
    suite = ElementTree.Element(
        "testsuite",
        name=f"npu-adapt sweep {sweep.name}",
        tests=str(len(sweep.rows)),
        failures=str(len(verdicts)),
        errors=str(sweep.counts.failed - len(verdicts)),
        skipped=str(sweep.counts.not_run),
        time=f"{sum(row.seconds for row in sweep.rows):.3f}",
        timestamp=sweep.written_at.removesuffix("Z"),
    )
    for row in sweep.rows:
        case = ElementTree.SubElement(
            suite, "testcase", name=_xml(row.name), classname=f"sweep.{sweep.name}", time=f"{row.seconds:.3f}"
        )
        if row.cause is not None:
            tag = "skipped" if row.status == "not-run" else "failure" if _is_verdict(row) else "error"
            said = ElementTree.SubElement(case, tag, message=_xml(cause_words(row.cause, "en")), type=row.cause.id)
            said.text = _xml(row.cause.message)
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _is_verdict(row: SweepRow) -> bool:
    return row.cause is not None and row.cause.id.startswith(VERDICTS)


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
