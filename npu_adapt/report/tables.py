"""What `infer`, `compare` and `bench` print: the headline first, then the tables, most telling first."""

from __future__ import annotations

from msgspec.structs import replace
from rich.console import RenderableType

from npu_adapt.records import Summary
from npu_adapt.report.document import Block, Code, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.phrases import Language
from npu_adapt.report.sections import (
    benchmark,
    comparison,
    conclusion,
    generation,
    modes,
    operators,
    overlap,
    repro,
    result,
    soak,
    speed,
    subject,
)
from npu_adapt.report.terminal import Screen


def render_run(summary: Summary, language: Language = "en") -> RenderableType:
    """What the model said on the device, or where it stopped: the run alone, whatever else the summary holds."""
    figures = Figures(replace(summary, compare=None, bench=None), language)
    blocks = [*headline(figures), *result.failure(figures), *result.predictions(figures), *result.outputs(figures)]
    if summary.run is not None and summary.run.failure is None:
        blocks.append(speed.timings(figures))
    return Screen(blocks)


def render_compare(summary: Summary, language: Language = "en") -> RenderableType:
    """The verdict and the first suspect, then the figures behind them."""
    figures = Figures(summary, language)
    compare = summary.compare
    if compare is None:
        return Screen([*headline(figures), *result.failure(figures), sentence(figures.reason("compare"))])
    return Screen(
        [
            *headline(figures),
            *comparison.first_suspect(figures),
            *comparison.terms(figures),
            *comparison.baseline(figures),
            *comparison.suspects(figures),
            *repro.repro(figures),
            *operators.judged(figures),
            *modes.modes(figures),
            comparison.metrics(figures),
            comparison.basis(figures),
            comparison.rules(figures),
            *comparison.by_output(figures),
            *comparison.against_float64(figures),
            *comparison.worst_elements(figures),
            comparison.repeats(figures),
            *soak.soak(figures),
            *overlap.overlaps(figures),
            *comparison.arithmetic(figures),
            *generation.generation(figures),
            *speed.speed_up(figures),
            *comparison.left_out(figures),
        ]
    )


def render_bench(summary: Summary, language: Language = "en") -> RenderableType:
    """One benchmark's figures and its warnings."""
    figures = Figures(replace(summary, compare=None), language)
    return Screen(
        [*headline(figures), *result.failure(figures), *benchmark.benchmark(figures), *benchmark.plot(figures)]
    )


def render_weights(summary: Summary, language: Language = "en") -> RenderableType:
    """Where the weights came from and whether they are the pretrained ones."""
    return Screen(subject.weights(Figures(summary, language)))


def headline(figures: Figures) -> tuple[Block, ...]:
    """Which model, and the one sentence that the record comes to; below it what no figure may be read without."""
    text, tone = conclusion.outcome(figures)
    model = figures.summary.model
    name = () if model is None else (sentence(Code(model.id)),)
    notices = (sentence(notice, tone="caution") for notice in conclusion.notices(figures))
    return (*name, sentence(text, tone=tone), *notices)
