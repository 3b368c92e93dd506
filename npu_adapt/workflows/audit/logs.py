"""The log files of a run against its summary: every field that both have."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from npu_adapt.evidence import parse_log_line
from npu_adapt.files import read_regular
from npu_adapt.records import Summary
from npu_adapt.records.audit import AuditFinding
from npu_adapt.workflows.audit.findings import of_field

LARGEST_LOG = 64 << 20
# Event: where what it tells stands in the summary, and which of its fields are called otherwise there.
FLAT: dict[str, tuple[str, dict[str, str]]] = {
    "flat": ("compare", {}),
    "arithmetic": ("compare.arithmetic", {}),
    "repeats": ("compare.repeats", {}),
    "verdict": ("compare.verdict", {}),
    "ended": ("run", {}),
    "bench": ("bench", {"median_ms": "latency_ms.median"}),
    "proven": ("weights", {"proven_tensors": "proven_parameters", "parameters": ""}),
}
# Event: the list that it tells an element of, the fields that say which, and fields that are called otherwise.
LISTED: dict[str, tuple[str, tuple[str, ...], dict[str, str]]] = {
    "output": ("compare.outputs", ("name",), {}),
    "probe": ("compare.arithmetic.readings", ("operators",), {}),
    "other-rule": ("compare.verdict.others", ("rule",), {}),
    "row": ("bench.rows", ("dtype", "attention", "mode", "threads", "batch_size"), {"median_ms": "latency_ms.median"}),
}
_ABSENT = object()


def against_logs(summary: Summary, logs: tuple[Path, ...]) -> Iterator[tuple[int, AuditFinding | None]]:
    """How many fields of each line were compared, and what differs. Lines that are no log lines are left alone."""
    for path in logs:
        try:
            text = read_regular(path, LARGEST_LOG).decode("utf-8", "replace")
        except OSError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            try:
                _, _, event, fields = parse_log_line(line)
            except ValueError:
                continue
            for path_in_summary, name, logged in _told(summary, event, fields):
                recorded = _at(summary, path_in_summary)
                if recorded is _ABSENT:
                    continue
                same = _same(recorded, logged)
                source = f"{path.name}:{number} ({event} {name})"
                finding = (
                    None if same else of_field("log-differs", str(path), path_in_summary, recorded, logged, source)
                )
                yield 1, finding


def _told(summary: Summary, event: str, fields: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Field of the summary, field of the line, and what the line says."""
    if event == "about":
        yield from (
            (path, name, fields[name])
            for name, path in (("model", "model.id"), ("device", "run.device"))
            if name in fields and not (name == "model" and _may_lead_there(fields[name], summary))
        )
    elif event in FLAT:
        base, renamed = FLAT[event]
        for name, value in fields.items():
            if renamed.get(name, name):
                yield f"{base}.{renamed.get(name, name)}", name, value
    elif event in LISTED:
        base, keys, renamed = LISTED[event]
        at = _which(_at(summary, base), keys, fields)
        if at is not None:
            for name, value in fields.items():
                if name not in keys:
                    yield f"{base}.{at}.{renamed.get(name, name)}", name, value
    elif event == "term":
        yield from _of_term(summary, fields)


def _may_lead_there(typed: str, summary: Summary) -> bool:
    """Whether a path is that of the model: the log has it as it was typed, the summary where that leads, over links."""
    model = summary.model
    if model is None or model.source not in ("directory", "adapter"):
        return False
    return "/" in typed or typed in (".", "..") or Path(typed).name == Path(model.id).name


def _of_term(summary: Summary, fields: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    if summary.compare is None:
        return
    verdict = summary.compare.verdict
    rules = [("compare.verdict.terms", verdict.rule, verdict.terms)]
    rules += [(f"compare.verdict.others.{n}.terms", o.rule, o.terms) for n, o in enumerate(verdict.others)]
    for base, rule, terms in rules:
        if rule != fields.get("rule"):
            continue
        alike = [
            n for n, term in enumerate(terms) if (term.id, term.place) == (fields.get("id"), fields.get("place", ""))
        ]
        if len(alike) == 1:
            for name in ("value", "limit", "holds"):
                if name in fields:
                    yield f"{base}.{alike[0]}.{name}", name, fields[name]


def _which(elements: Any, keys: tuple[str, ...], fields: dict[str, str]) -> int | None:
    """The one element whose keys are those of the line. None: none, or several."""
    if not isinstance(elements, tuple):
        return None
    found = [
        n
        for n, each in enumerate(elements)
        if all(_same(getattr(each, key, None), fields.get(key, "")) for key in keys)
    ]
    return found[0] if len(found) == 1 else None


def _at(summary: Summary, path: str) -> Any:
    value: Any = summary
    for name in path.split("."):
        if isinstance(value, tuple):
            value = value[int(name)] if name.isdecimal() and int(name) < len(value) else _ABSENT
        else:
            value = getattr(value, name, _ABSENT)
        if value is _ABSENT or value is None:
            return _ABSENT
    return value


def _same(recorded: Any, logged: str) -> bool:
    """Whether a field and the word of a log line are one value."""
    if isinstance(recorded, bool):
        return logged == str(recorded).lower()
    if isinstance(recorded, (int, float)):
        try:
            return math.isclose(float(logged), recorded, rel_tol=1e-9, abs_tol=1e-300)
        except ValueError:
            return False
    if isinstance(recorded, tuple):
        return logged.replace(" ", "") == str(list(recorded)).replace(" ", "").replace("'", '"')
    return str(recorded) == logged
