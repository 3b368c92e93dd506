"""What the run on the device gave: status, shapes, predictions, or where and why it stopped."""

from __future__ import annotations

from npu_adapt.records.outcome import status_of
from npu_adapt.report.document import Block, Code, Inline, listing, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.language import recorded
from npu_adapt.report.sections.blocks import cell, fact, facts, table

RUN_FACTS = (
    ("device", "run.device"),
    ("run-dtype", "run.dtype"),
    ("attention", "run.attention"),
    ("threads", "run.threads"),
    ("seed", "run.seed"),
    ("peak-memory", "run.peak_memory_bytes"),
)
FAILURE_FACTS = (
    ("stage", "run.failure.stage"),
    ("class", "run.failure.kind"),
    ("failed-operator", "run.failure.operator"),
)


def result(figures: Figures) -> tuple[Block, ...]:
    run = figures.summary.run
    if run is None:
        return (sentence(figures.reason("run")),)
    status = (figures.say("item-status"), status_of(figures.summary) or run.status)
    rows_of_run = (fact(figures, item, path) for item, path in RUN_FACTS)
    blocks: list[Block] = [facts(figures, "run", (status, *rows_of_run))]
    blocks += failure(figures)
    if run.numerics:
        rows: list[tuple[Inline, Inline]] = [
            (Code(name), figures.say("none") if value is None else setting(value))
            for name, value in sorted(run.numerics.items())
        ]
        blocks.append(facts(figures, "numerics", rows))
    if run.inputs:
        inputs = [
            (
                Code(each.name),
                cell(figures, f"run.inputs.{at}.shape"),
                Code(recorded(each.origin, each.said, figures.language)),
            )
            for at, each in enumerate(run.inputs)
        ]
        blocks.append(table(figures, "inputs", ("name", "shape", "origin"), inputs))
    return (*blocks, *outputs(figures), *predictions(figures))


def setting(value: bool | int | str) -> str:
    """A setting as the record spells it; it is a name for a way of computing, not a figure."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def failure(figures: Figures) -> tuple[Block, ...]:
    """Where the run stopped; nothing where it did not."""
    run = figures.summary.run
    if run is None or run.failure is None:
        return ()
    message = (figures.say("item-message"), Code(recorded(run.failure.message, run.failure.said, figures.language)))
    rows = (fact(figures, item, path) for item, path in FAILURE_FACTS)
    return (facts(figures, "failure", (*rows, message)),)


def outputs(figures: Figures) -> tuple[Block, ...]:
    run = figures.summary.run
    if run is None or not run.outputs:
        return ()
    rows = [
        (Code(each.name), cell(figures, f"run.outputs.{at}.shape"), each.dtype) for at, each in enumerate(run.outputs)
    ]
    return (table(figures, "outputs", ("name", "shape", "dtype"), rows),)


def predictions(figures: Figures) -> tuple[Block, ...]:
    """What the model said, best first, one row a prediction."""
    run = figures.summary.run
    if run is None or not run.predictions:
        return ()
    rows: list[tuple[Inline, ...]] = []
    for at, each in enumerate(run.predictions):
        path = f"run.predictions.{at}"
        rows.append(
            (
                cell(figures, f"{path}.sample"),
                each.label,
                cell(figures, f"{path}.index"),
                cell(figures, f"{path}.score"),
            )
        )
    columns = ("sample", "label", "index", "score")
    return (table(figures, "predictions", columns, rows, frozenset({"sample", "index", "score"})),)


def fallbacks(figures: Figures) -> tuple[Block, ...]:
    """Whether anything ran on the CPU instead of the device."""
    operators = figures.value("run.cpu_fallbacks")
    if operators is None:
        return (sentence(figures.say("fallbacks-unknown", reason=figures.reason("run.cpu_fallbacks"))),)
    if not operators:
        return (sentence(figures.say("fallbacks-none")),)
    return sentence(figures.say("fallbacks-some"), tone="caution"), listing(operators)
