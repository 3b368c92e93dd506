"""Latency against throughput as a picture; needs matplotlib (extra `[plot]`)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from npu_adapt.errors import EvidenceNotWritten, Sentence, UsageError
from npu_adapt.records import Summary


def require_drawable(path: Path) -> None:
    """Raises `UsageError`, before minutes are spent on measuring, where `draw` would."""
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib", hint="pip install 'npu-adapt[plot]'")
    if not path.parent.is_dir() or path.is_dir():
        raise UsageError(
            Sentence("--plot {path}: no file can be written there", path=path),
            hint="name a file in a folder that exists",
        )


def draw(summary: Summary, path: Path) -> None:
    """Writes a PNG with one point for each right row. Raises `UsageError` without matplotlib or a place to write."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("--plot needs matplotlib", hint="pip install 'npu-adapt[plot]'") from error
    bench = summary.bench
    if bench is None:
        raise UsageError("there is no benchmark to draw", hint="npu-adapt bench MODEL --plot FILE.png")
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.add_subplot(xlabel="median latency, ms", ylabel="throughput per second")
    for row in bench.rows:
        if row.status == "measured" and row.latency_ms is not None and row.throughput_per_s is not None:
            axes.scatter([row.latency_ms.median], [row.throughput_per_s], color="tab:blue")
            label = f"{row.dtype} {row.mode} b{row.batch_size} t{row.threads}"
            axes.annotate(label, (row.latency_ms.median, row.throughput_per_s), fontsize=8, parse_math=False)
    axes.set_title(f"{summary.model.id if summary.model else ''} on {bench.device}", parse_math=False)
    try:
        figure.savefig(path, format="png", dpi=120)
    except OSError as error:
        raise EvidenceNotWritten(
            Sentence("{path} cannot be written: {reason}", path=path, reason=error.strerror),
            hint="name another file with --plot",
            summary=summary,
        ) from error
