"""The failing operators that were written down to be handed on."""

from __future__ import annotations

from npu_adapt.report.document import Block, Code, Inline, listing, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.blocks import table

COLUMNS = ("folder", "step", "module", "operator", "test", "calls", "alone")


def repro(figures: Figures) -> tuple[Block, ...]:
    """A row for each case; nothing unless --repro was given."""
    compare = figures.summary.compare
    if compare is None or compare.repro is None:
        return ()
    found = compare.repro
    if not found.cases:
        return (sentence(figures.say("repro-nothing")),)
    rows: list[tuple[Inline, ...]] = []
    for at, case in enumerate(found.cases):
        path = f"compare.repro.cases.{at}"
        folder: Inline = figures.say("not-applicable") if case.folder is None else Code(case.folder)
        alone = figures.say(f"repro-status-{case.status}")
        step = figures.say("not-applicable") if case.index is None else figures(f"{path}.index")
        names = (Code(case.module), Code(case.operator), Code(case.test))
        rows.append((folder, step, *names, figures(f"{path}.findings"), alone))
    made = table(figures, "repro", COLUMNS, rows, frozenset({"step", "calls"}))
    reasons = [
        f"{case.module} ({case.operator}): {figures.tell('repro-reason', case.reason)}"
        for case in found.cases
        if case.reason is not None
    ]
    if found.left_out:
        reasons.append(figures.say("repro-left-out", number=figures("compare.repro.left_out")))
    return (made, listing(reasons, "caution")) if reasons else (made,)
