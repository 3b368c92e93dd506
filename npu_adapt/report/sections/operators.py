"""What judging each operator alone came to: how many were judged, what limits that, and the error over depth."""

from __future__ import annotations

from npu_adapt.report.depth_chart import chart
from npu_adapt.report.document import Block, Verbatim, listing, sentence
from npu_adapt.report.figures import Figures


def judged(figures: Figures) -> tuple[Block, ...]:
    """How many calls were judged alone, what limits that, and the error over depth; nothing where none was judged."""
    compare = figures.summary.compare
    if compare is None:
        return ()
    told = [figures.tell("note", each) for each in compare.operator_notes]
    notes = (listing(told, "caution"),) if told else ()
    if not compare.operators_judged:
        return notes
    failed = str(sum(each.test != "end-to-end" and not each.is_divergence for each in compare.operators))
    said = [sentence(figures.say("operators-judged", number=figures("compare.operators_judged"), failed=failed))]
    if compare.operators_sampled:
        said.append(sentence(figures.say("operators-sampled", number=figures("compare.operators_sampled"))))
    return *said, *notes, *depth(figures)


def depth(figures: Figures) -> tuple[Block, ...]:
    """The error of each operator alone, and what accumulated, against the floors."""
    compare = figures.summary.compare
    drawn = "" if compare is None or compare.depth is None else chart(compare.depth)
    if not drawn:
        return ()
    return sentence(figures.say("depth-legend")), Verbatim(drawn)
