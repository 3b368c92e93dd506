"""What changed between two sweeps, for a terminal."""

from __future__ import annotations

from npu_adapt import rounding
from npu_adapt.records.sweep import Change, SweepDiff
from npu_adapt.report.document import Code, Column, Paragraph, Table
from npu_adapt.report.first.screen import FirstScreen, Line
from npu_adapt.report.phrases import Language, say

MOST_VERSIONS = 5


def diff_screen(diff: SweepDiff, language: Language, *, limit: int) -> FirstScreen:
    """What is worse first; at most `limit` lines."""
    shown = diff.changes[:limit]
    further = len(diff.changes) - len(shown)
    key = "sweep-worse" if diff.worse else "sweep-same" if not diff.changes else "sweep-better"
    head = Paragraph((say(key, language), ": ", Code(diff.old), " → ", Code(diff.new)), "bad" if diff.worse else "good")
    return FirstScreen(
        head=head,
        lines=tuple(_lines(diff, language)),
        tables=(_table(shown, language),) if shown else (),
        left_out=lambda hidden: say("sweep-more-changes", language, number=str(hidden + further)),
        limit=limit,
    )


def _lines(diff: SweepDiff, language: Language) -> list[Line]:
    compared = say("sweep-compared", language, number=str(diff.compared))
    lines = [Line(say("label-counts", language), (compared,))]
    changed = [f"{name} {before or '-'} → {now or '-'}" for name, (before, now) in diff.versions.items()]
    if changed:
        more = [] if len(changed) <= MOST_VERSIONS else ["…"]
        lines.append(Line(say("label-changed", language), (", ".join([*changed[:MOST_VERSIONS], *more]),)))
    return lines


def _table(changes: tuple[Change, ...], language: Language) -> Table:
    titles = ("change", "model", "before", "now")
    columns = tuple(Column(say(f"matrix-{title}", language)) for title in titles)
    rows = tuple((say(f"change-{change.id}", language), Code(change.model), *_both(change)) for change in changes)
    return Table("", columns, rows)


def _both(change: Change) -> tuple[str, str]:
    return _text(change.before), _text(change.now)


def _text(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{rounding.milliseconds(value)} ms"
