"""The results as one table in Markdown. Knows the record only."""

from __future__ import annotations

from typing import Any

MARKS = {"passed": "passed", "wrong": "**wrong**", "failed": "**failed**", "timeout": "**timeout**"}


def markdown(record: dict[str, Any]) -> str:
    """The run's head, a row for each part, and what did not hold."""
    lines = [
        f"# {record['device']}: {record['started_at']}, {record['seconds']:.0f} s",
        "",
        "| part | result | seconds | found |",
        "| --- | --- | ---: | --- |",
    ]
    for name, part in record["parts"].items():
        status = MARKS.get(part["status"], part["status"])
        lines.append(f"| {name} | {status} | {part['seconds']:.1f} | {_cell(part['headline'])} |")
    broken = [
        f"- {name}: {check['name']}: {_cell(check['value'])} (wanted: {_cell(check['limit'])})"
        for name, part in record["parts"].items()
        for check in part["checks"]
        if not check["holds"]
    ]
    if broken:
        lines += ["", "What did not hold:", "", *broken]
    return "\n".join(lines) + "\n"


def plain(record: dict[str, Any]) -> str:
    """The same for a terminal: columns of one width."""
    rows = [
        (name, part["status"], f"{part['seconds']:.1f}", part["headline"]) for name, part in record["parts"].items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)] if rows else [0, 0, 0]
    lines = [
        f"{name:<{widths[0]}}  {status:<{widths[1]}}  {seconds:>{widths[2]}}  {headline}"
        for name, status, seconds, headline in rows
    ]
    for name, _, _, _ in rows:
        lines += [
            f"  {name}: {check['name']}: {check['value']} (wanted: {check['limit']})"
            for check in record["parts"][name]["checks"]
            if not check["holds"]
        ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
