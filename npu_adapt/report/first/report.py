"""The first screen of `report`: the conclusion of all that the summary holds, and where the whole report is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from npu_adapt.records.outcome import outcome_of
from npu_adapt.report.document import Code, Paragraph, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.first import bench as of_bench
from npu_adapt.report.first import compare as of_compare
from npu_adapt.report.first import environment as of_environment
from npu_adapt.report.first import lines
from npu_adapt.report.first import run as of_run
from npu_adapt.report.first.lines import line
from npu_adapt.report.first.screen import LIMIT, LIMIT_OF_A_FAILURE, FirstScreen, Line, listed
from npu_adapt.report.sections import conclusion


def first_report(figures: Figures, logs: Path | None) -> FirstScreen:
    """What the worst section says of itself, then a line or two from each."""
    summary = figures.summary
    found: list[Line] = [*lines.prediction(figures), *latencies(figures), *lines.device(figures), *software(figures)]
    if summary.compare is not None:
        found += of_compare.why(figures, summary.compare)
        found += of_compare.worst_output(figures, summary.compare)
        found += of_compare.one_percent(figures, summary.compare)
        found += of_compare.operators(figures, summary.compare)
    if summary.bench is not None:
        found += of_bench.gate(figures, summary.bench)
        found += [*of_bench.limit(figures, summary.bench), *of_bench.warnings(figures, summary.bench)]
    found += [*of_run.memory(figures), *lines.weights(figures)]
    found += of_environment.all_findings(figures) if summary.run is None else lines.doubts(figures)
    return FirstScreen(
        head=head(figures),
        lines=tuple(found),
        end=tuple(end(figures, logs)),
        tables=() if summary.compare is None else of_compare.suspects(figures, summary.compare),
        left_out=lambda hidden: figures.say("first-and-more", number=str(hidden)),
        limit=LIMIT_OF_A_FAILURE if outcome_of(summary).failed else LIMIT,
    )


def head(figures: Figures) -> Paragraph:
    """The first sentence of the section that failed, else of the comparison, the benchmark, the run, the machine."""
    summary = figures.summary
    cause = outcome_of(summary).cause
    if summary.bench is not None and (cause in of_bench.CAUSES or (summary.compare is None and cause is None)):
        return of_bench.head(figures, summary.bench)
    if summary.compare is not None and cause != "failure":
        return of_compare.head(figures, summary.compare)
    if summary.run is not None:
        return of_run.head(figures)
    if summary.environment is not None:
        return of_environment.head(figures, summary.environment)
    text, tone = conclusion.outcome(figures)
    return sentence(text, tone=tone)


def latencies(figures: Figures) -> Iterator[Line]:
    """The benchmark's latency, else the run's; and the speed-up as far as there is one."""
    compare, bench = figures.summary.compare, figures.summary.bench
    if bench is not None:
        yield from of_bench.latency(figures, bench)
        yield from of_bench.speed_up(figures, bench)
    if compare is not None:
        yield from of_compare.latency(figures, compare, "latency" if bench is None else "speed-up")
    elif bench is None and figures.summary.run is not None:
        yield from lines.run_latency(figures)


def software(figures: Figures) -> Iterator[Line]:
    """Versions, driver and CANN."""
    environment = figures.summary.environment
    if environment is not None:
        yield of_environment.software(figures, environment)
        yield from of_environment.stack(figures, environment)


def end(figures: Figures, logs: Path | None) -> Iterator[Line]:
    """Where the evidence lies, and how to get the whole report."""
    yield from lines.evidence(figures, logs)
    commands = ("npu-adapt report --details", "npu-adapt report --out report.md")
    yield line(figures, "more", *listed(*map(Code, commands)))
