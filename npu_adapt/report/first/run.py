"""The first screen of `infer`: that it ran, what the model said, and how long it took."""

from __future__ import annotations

import shlex
from pathlib import Path

from npu_adapt.report.document import Code, Paragraph
from npu_adapt.report.figures import Figures
from npu_adapt.report.first import lines
from npu_adapt.report.first.lines import line
from npu_adapt.report.first.screen import FirstScreen, Line, listed


def first_run(figures: Figures, logs: Path | None) -> FirstScreen:
    """The summary must hold a run."""
    compare = Code(f"npu-adapt compare{_adapter(figures)}{_device(figures)}")
    return FirstScreen(
        head=head(figures),
        lines=(
            *lines.prediction(figures),
            *lines.run_latency(figures),
            *lines.device(figures),
            *lines.outputs(figures),
            *memory(figures),
            *lines.weights(figures),
            *lines.doubts(figures),
            line(figures, "next", figures.say("first-compare-next"), compare, rank=1),
        ),
        end=tuple(lines.end(figures, logs)),
    )


def _adapter(figures: Figures) -> str:
    """The adapter and its weights, which are not taken again by themselves; empty for any other model."""
    model, weights = figures.summary.model, figures.summary.weights
    if model is None or model.adapter is None:
        return ""
    named = model.adapter.path if model.adapter.name is None else f"{model.adapter.path}:{model.adapter.name}"
    given = [] if weights is None else ["--weights", weights.path]
    return f" {shlex.join([named, *given])}"


def _device(figures: Figures) -> str:
    run = figures.summary.run
    return "" if run is None else f" --device {run.device}"


def head(figures: Figures) -> Paragraph:
    """That the model ran, on what, and that nothing was compared."""
    run, model = figures.summary.run, figures.summary.model
    assert run is not None
    name = Code("" if model is None else model.id)
    where = figures.say("first-on", device=run.device)
    if run.failure is not None:
        stopped = Code(f"{run.failure.stage}, {run.failure.kind}")
        return Paragraph((figures.say("first-failed"), name, where, ": ", stopped), "bad")
    return Paragraph((figures.say("first-ran"), name, where, figures.say("first-not-compared")))


def memory(figures: Figures) -> tuple[Line, ...]:
    """The peak of the device's memory; nothing where the device does not tell."""
    if figures.value("run.peak_memory_bytes") is None:
        return ()
    peak = figures.say("first-peak", value=figures("run.peak_memory_bytes"))
    return (line(figures, "memory", *listed(peak), rank=3),)
