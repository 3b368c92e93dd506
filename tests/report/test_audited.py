"""The first screen of an audit: what fits, however much was found."""

from __future__ import annotations

import time

from rich.console import Console

from npu_adapt.records.audit import Audit, AuditFinding, Place
from npu_adapt.report.audited import audit_screen


def test_thousands_of_findings_are_one_screen_at_once() -> None:
    found = tuple(
        AuditFinding(
            id="placeholder", nature="gap", certainty="certain",
            places=(Place(file="report.md", line=line, quote="TODO"),), values={"given": "TODO"},
        )
        for line in range(1, 5001)
    )  # fmt: skip
    audit = Audit(path=".", files=("report.md",), checks=1, findings=found, contradicts_itself=False)
    console = Console(width=100, file=None)
    started = time.process_time()
    with console.capture() as shown:
        console.print(audit_screen(audit, "en"))
    assert time.process_time() - started < 10
    lines = shown.get().splitlines()
    assert len(lines) <= 24 and "placeholder: TODO was not filled in" in shown.get()
    assert any("4,9" in line or "49" in line for line in lines), lines
