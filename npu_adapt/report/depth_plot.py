"""Error over depth as a picture; needs matplotlib (extra `[plot]`)."""

from __future__ import annotations

import math
from pathlib import Path

from npu_adapt.errors import EvidenceNotWritten, Sentence, UsageError
from npu_adapt.records import Summary
from npu_adapt.report.depth_chart import EXACT

LINES = (
    ("isolated", "each operator alone", "tab:blue", "-"),
    ("isolated_floor", "floor, alone", "tab:blue", ":"),
    ("accumulated", "accumulated", "tab:orange", "-"),
    ("accumulated_floor", "floor, accumulated", "tab:orange", ":"),
)


def draw(summary: Summary, path: Path) -> None:
    """Writes a PNG of the errors over depth, failed operators marked.

    Raises `UsageError` without matplotlib, a depth to draw, or a place to write.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("--plot needs matplotlib", hint="pip install 'npu-adapt[plot]'") from error
    compare = summary.compare
    if compare is None or compare.depth is None:
        raise UsageError(
            "there is no error over depth to draw: no operator was judged", hint="run npu-adapt compare without --fast"
        )
    depth = compare.depth
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="operators in the order of execution", ylabel="relative L2 error", yscale="log")
    for name, label, color, style in LINES:
        values = getattr(depth, name)
        if values is not None:
            shown = [value if value > EXACT else math.nan for value in values]
            axes.plot(depth.index, shown, label=label, color=color, linestyle=style, linewidth=1)
    for finding in compare.operators:
        if finding.sample == depth.sample:
            axes.axvline(finding.index, color="tab:red", alpha=0.4, linewidth=1)
    suspect = compare.first_suspect
    if suspect is not None and suspect.sample == depth.sample:
        axes.annotate(
            f"{suspect.module} ({suspect.operator})",
            (suspect.index, 1.0),
            xycoords=("data", "axes fraction"),
            rotation=90,
            va="top",
            ha="right",
            fontsize=8,
            color="tab:red",
            parse_math=False,
        )
    axes.legend(fontsize=8)
    title = f"{summary.model.id if summary.model else ''}: {compare.candidate} against {compare.reference}"
    axes.set_title(title, parse_math=False)  # a "$" in a model's name is no formula
    try:
        figure.savefig(path, format="png", dpi=120)
    except OSError as error:
        raise EvidenceNotWritten(
            Sentence("{path} cannot be written: {reason}", path=path, reason=error.strerror),
            hint="name another file with --plot",
            summary=summary,
        ) from error
