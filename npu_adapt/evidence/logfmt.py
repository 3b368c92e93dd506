"""Log lines: `TIME LEVEL EVENT key=value …`, one event a line. Sequences and mappings are JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from npu_adapt.evidence.atomic import utc_now

_PAIR = re.compile(r'([^\s=]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')


def log_line(level: str, event: str, fields: Mapping[str, object]) -> str:
    """One line with its end. Fields that are None are left out."""
    from structlog.processors import LogfmtRenderer

    present = {name: _plain(value) for name, value in fields.items() if value is not None}
    pairs = LogfmtRenderer(bool_as_flag=False)(None, "", present)
    return f"{utc_now()} {level.upper()} {event} {pairs}".rstrip() + "\n"


def parse_log_line(line: str) -> tuple[str, str, str, dict[str, str]]:
    """(time, level, event, fields) of a line that `log_line` made; sequences and mappings are JSON texts."""
    time, level, event, *rest = line.rstrip("\n").split(" ", 3)
    fields = {}
    for match in _PAIR.finditer(rest[0] if rest else ""):
        quoted = match[2]
        fields[match[1]] = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return time, level, event, fields


def _plain(value: object) -> object:
    """`value` as one logfmt word: sequences and mappings as JSON, everything else as it prints, on one line."""
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (tuple, list, dict)):
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    else:
        text = " ".join(str(value).splitlines())
    # A name of a folder that is not UTF-8 holds halves of characters, which no file can.
    return text.encode("utf-8", "backslashreplace").decode()
