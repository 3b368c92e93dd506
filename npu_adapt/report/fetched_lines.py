"""What `fetch` prints: plain lines, because Rich would take longer to load than many a model to arrive."""

from __future__ import annotations

from npu_adapt import rounding
from npu_adapt.records.registry import Fetched
from npu_adapt.report.document import printable


def fetched_lines(fetched: Fetched) -> str:
    """The model, each of its files, the sum, and on the last line the folder."""
    done = "would be downloaded" if fetched.dry_run else "downloaded"
    rows = [
        (
            rounding.size(file.bytes),
            done if file.downloaded else "on this disk",
            "" if fetched.dry_run else f"verified against {file.verified_against}",
            printable(file.name),
        )
        for file in fetched.files
    ]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    lines = [
        f"  {size:>{widths[0]}}  {where:<{widths[1]}}  {verified:<{widths[2]}}  {name}".rstrip()
        for size, where, verified, name in rows
    ]
    return "\n".join(
        [
            f"{printable(fetched.model)} · {fetched.source} · {fetched.commit or fetched.revision or 'no revision'}",
            *lines,
            f"{rounding.size(fetched.bytes)} in {rounding.count(len(rows))} files, "
            f"{rounding.size(fetched.downloaded_bytes)} {done}",
            printable(fetched.path),
        ]
    )
