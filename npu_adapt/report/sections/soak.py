"""Forwards under load: how many, how often their bits changed and where, and what the device told of itself."""

from __future__ import annotations

from npu_adapt.report.document import Block, Code, Inline, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.blocks import cell, table

COLUMNS = ("step", "module", "operator", "shape", "forwards", "first-forward")
TOLD = {"temperature_celsius": "soak-temperature", "clock_megahertz": "soak-clock"}


def soak(figures: Figures) -> tuple[Block, ...]:
    """Nothing unless --soak was given."""
    compare = figures.summary.compare
    if compare is None or compare.soak is None:
        return ()
    said = figures.say("separator").join((*summary_of(figures), *vitals(figures)))
    key = "soak-watched" if compare.soak.on_device else "soak-watched-copies"
    watched = figures.say(key, operators=figures("compare.soak.operators"))
    first = sentence(said, tone="bad" if compare.soak.changed else "plain")
    if not compare.soak.places:
        return first, sentence(watched)
    rows: list[tuple[Inline, ...]] = []
    for at, place in enumerate(compare.soak.places):
        path = f"compare.soak.places.{at}"
        names = (Code(place.module), Code(place.operator), cell(figures, f"{path}.output_shape"))
        rows.append((figures(f"{path}.index"), *names, figures(f"{path}.forwards"), figures(f"{path}.first_forward")))
    made = table(figures, "soak", COLUMNS, rows, frozenset({"step", "forwards", "first-forward"}))
    return first, sentence(watched), made


def summary_of(figures: Figures) -> tuple[str, ...]:
    """How many forwards in how many seconds, and how many of them had other bits."""
    compare = figures.summary.compare
    assert compare is not None and compare.soak is not None
    path = "compare.soak"
    ran = figures.say("soak-forwards", forwards=figures(f"{path}.forwards"), seconds=figures(f"{path}.seconds"))
    if not compare.soak.changed:
        return ran, figures.say("soak-same")
    return ran, figures.say("soak-changed", changed=figures(f"{path}.changed"))


def vitals(figures: Figures) -> tuple[str, ...]:
    """The least and the most of what the device told of its temperature and clock."""
    compare = figures.summary.compare
    assert compare is not None and compare.soak is not None
    said = []
    for name, key in TOLD.items():
        told = [at for at, each in enumerate(compare.soak.readings) if getattr(each, name) is not None]
        if told:
            ordered = sorted(told, key=lambda at: float(getattr(compare.soak.readings[at], name)))  # type: ignore[union-attr]
            least, most = (figures(f"compare.soak.readings.{at}.{name}") for at in (ordered[0], ordered[-1]))
            said.append(figures.say(key, least=least, most=most))
    return tuple(said) or (figures.say("soak-untold"),)
