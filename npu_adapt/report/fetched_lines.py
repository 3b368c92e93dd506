"""What `fetch` prints: plain lines, because Rich would take longer to load than many a model to arrive."""

from __future__ import annotations

from typing import Any

from npu_adapt import rounding
from npu_adapt.records import Fact
from npu_adapt.records.registry import Fetched, FetchedFile
from npu_adapt.report.document import printable
from npu_adapt.report.phrases import PHRASES, Language
from npu_adapt.report.phrases.facts import words


def _say(language: Language, id: str, **values: Any) -> str:
    return words("registry", Fact(id, values), language)


def fetched_lines(fetched: Fetched, language: Language = "en") -> str:
    """The model and who was asked, each of its files, the sum, and on the last line the folder."""
    done = _say(language, "would-download" if fetched.dry_run else "downloaded")
    rows = [
        (
            rounding.size(file.bytes),
            done if file.downloaded else _say(language, "on-disk"),
            "" if fetched.dry_run else _verified(file, language),
            printable(file.name),
        )
        for file in fetched.files
    ]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    lines = [
        f"  {size:>{widths[0]}}  {where:<{widths[1]}}  {verified:<{widths[2]}}  {name}".rstrip()
        for size, where, verified, name in rows
    ]
    source = f"source-{fetched.source}"
    head = (
        printable(fetched.model),
        _say(language, source) if f"registry-{source}" in PHRASES else fetched.source,
        fetched.commit or fetched.revision or _say(language, "no-revision"),
        *([printable(fetched.endpoint)] if fetched.endpoint else []),
    )
    total = _say(language, "sum", bytes=fetched.bytes, files=len(rows), downloaded=fetched.downloaded_bytes, done=done)
    return "\n".join([" · ".join(head), *lines, total, printable(fetched.path)])


def _verified(file: FetchedFile, language: Language) -> str:
    if file.verified_against == "nothing":
        return _say(language, "hashed-only")
    return _say(language, "verified", what=_say(language, f"what-{file.verified_against}"))
