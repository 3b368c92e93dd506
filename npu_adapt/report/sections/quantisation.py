"""How quantised weights are stored, and what dequantising them on the device gave."""

from __future__ import annotations

from npu_adapt.records import Quantisation, QuantisedWeights
from npu_adapt.report.document import Block, sentence
from npu_adapt.report.figures import Figures

PATH = "compare.dequantised"


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


def dequantised(figures: Figures) -> tuple[Block, ...]:
    """The same as a sentence of the report; nothing where no weights are quantised."""
    text = on_device(figures)
    return () if text is None else (sentence(figures.say("dequantised-sentence", text=text)),)
