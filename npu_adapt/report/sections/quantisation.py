"""How quantised weights are stored, and what dequantising them on the device gave."""

from __future__ import annotations

import math

from npu_adapt.records import Quantisation, QuantisedWeights
from npu_adapt.report.document import Block, Code, Inline, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.blocks import table

PATH = "compare.dequantised"
LOSS = "compare.quantisation_loss"


def stored(figures: Figures, found: Quantisation) -> list[str]:
    """One text for each way of storing weights, then their size."""
    texts = [_way(figures, found.method, at, each) for at, each in enumerate(found.weights)]
    sizes = {
        name: figures(f"weights.quantisation.{field}")
        for name, field in (("stored", "stored_bytes"), ("whole", "dequantised_bytes"))
    }
    return [*texts, figures.say("quantised-size", **sizes)]


def _way(figures: Figures, method: str, at: int, each: QuantisedWeights) -> str:
    path = f"weights.quantisation.weights.{at}"
    group = figures.say("quantised-group", size=figures(f"{path}.group_size")) if each.group_size else ""
    inputs = "" if each.activations is None else figures.say("quantised-inputs", activations=each.activations)
    return figures.say(
        "quantised-way",
        method=method,
        format=each.format,
        type=f"{each.type}{each.bits}",
        strategy=each.strategy,
        group=group,
        modules=figures(f"{path}.modules"),
        inputs=inputs,
    )


def on_device(figures: Figures) -> str | None:
    """What the device made of the weights, in a few words; None: no comparison was made on a device."""
    compare = figures.summary.compare
    found = None if compare is None else compare.dequantised
    if found is None:
        return None
    if not found.differing:
        return figures.say("dequantised-equal")
    return figures.say(
        "dequantised-off",
        share=figures(f"{PATH}.differing"),
        ulps=figures.short(f"{PATH}.worst_ulps"),
        module=found.worst_module,
    )


def lost(figures: Figures) -> str | None:
    """What quantising lost, beside what the device adds, for the output that lost most; None: not measured."""
    compare = figures.summary.compare
    if compare is None or compare.quantisation_loss is None or not compare.quantisation_loss.outputs:
        return None
    found = compare.quantisation_loss.outputs
    at = max(range(len(found)), key=lambda each: math.inf if (loss := found[each].relative_l2) is None else loss)
    path = f"{LOSS}.outputs.{at}"
    device = [each for each, output in enumerate(compare.outputs) if output.name == found[at].name]
    added = figures.short(f"compare.outputs.{device[0]}.relative_l2") if device else figures.say("not-applicable")
    key = "quantised-lost" if found[at].same_best is None else "quantised-lost-best"
    return figures.say(
        key,
        output=found[at].name,
        loss=figures.short(f"{path}.relative_l2"),
        original=compare.quantisation_loss.original,
        best=figures.short(f"{path}.same_best"),
        added=added,
    )


def dequantised(figures: Figures) -> tuple[Block, ...]:
    """What the device made of the weights, and the loss of each output; nothing where no weights are quantised."""
    text = on_device(figures)
    first = () if text is None else (sentence(figures.say("dequantised-sentence", text=text)),)
    return (*first, *_losses(figures))


def _losses(figures: Figures) -> tuple[Block, ...]:
    """A row for each output: what quantising lost, and what the device's kernels add."""
    compare = figures.summary.compare
    found = None if compare is None else compare.quantisation_loss
    if compare is None or found is None:
        return ()
    names = [output.name for output in compare.outputs]
    rows: list[tuple[Inline, ...]] = [
        (
            Code(each.name),
            figures.short(f"{LOSS}.outputs.{at}.relative_l2"),
            figures.short(f"{LOSS}.outputs.{at}.cosine_similarity"),
            figures.short(f"{LOSS}.outputs.{at}.same_best"),
            figures.short(f"compare.outputs.{names.index(each.name)}.relative_l2"),
        )
        for at, each in enumerate(found.outputs)
        if each.name in names
    ]
    columns = ("output", "loss", "cosine", "same-best", "device-adds")
    said = sentence(figures.say("quantised-from", original=found.original))
    return (said, table(figures, "quantisation-loss", columns, rows, frozenset(columns[1:])))
