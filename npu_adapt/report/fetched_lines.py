"""What `fetch` prints: plain lines, because Rich would take longer to load than many a model to arrive."""

from __future__ import annotations

from collections.abc import Sequence

from npu_adapt import rounding
from npu_adapt.records.registry import Fetched, FetchedFile
from npu_adapt.report.document import printable
from npu_adapt.report.phrases import PHRASES, Language, say

SHOWN_FILES = 18  # without `--details`


def fetched_lines(fetched: Fetched, language: Language = "en", *, details: bool = True) -> str:
    """The model, each of its files, the sum, and on the last line the folder; without `details` the first files."""
    shown = fetched.files if details else fetched.files[:SHOWN_FILES]
    hidden = len(fetched.files) - len(shown)
    revision = fetched.commit or fetched.revision or say("fetched-no-revision", language)
    done = say("fetched-would" if fetched.dry_run else "fetched-downloaded", language)
    asked = [printable(fetched.endpoint)] if fetched.endpoint else []
    total = say(
        "fetched-sum",
        language,
        size=rounding.size(fetched.bytes),
        number=rounding.count(len(fetched.files)),
        part=rounding.size(fetched.downloaded_bytes),
        done=done,
    )
    return "\n".join(
        [
            " · ".join([printable(fetched.model), _word(fetched.source, language), revision, *asked]),
            *aligned([_row(file, fetched, language) for file in shown]),
            *([f"  {say('registry-more', language, number=str(hidden))}"] if hidden else []),
            total,
            printable(fetched.path),
        ]
    )


def _row(file: FetchedFile, fetched: Fetched, language: Language) -> tuple[str, ...]:
    done = "fetched-would" if fetched.dry_run else "fetched-downloaded"
    where = say(done if file.downloaded else "fetched-here", language)
    return rounding.size(file.bytes), where, "" if fetched.dry_run else _against(file, language), printable(file.name)


def _against(file: FetchedFile, language: Language) -> str:
    what = _word(file.verified_against, language)
    return what if file.verified_against == "nothing" else say("fetched-against", language, what=what)


def _word(name: str, language: Language) -> str:
    """A name of the record in words, where there are some."""
    return say(f"word-{name}", language) if f"word-{name}" in PHRASES else name


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The rows in columns, the first flush right and the last as long as it is."""
    from npu_adapt.report.layout import padded, width_of

    widths = [max(map(width_of, column), default=0) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [padded(cell, own, right=not at) for at, (cell, own) in enumerate(zip(row[:-1], widths, strict=False))]
        lines.append("  " + "  ".join([*cells, row[-1]]).rstrip())
    return lines
