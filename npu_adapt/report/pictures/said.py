"""What the model said of each sample, as bars beside the picture that it was asked about."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from npu_adapt.records import InputInfo
from npu_adapt.report.figures import Figures
from npu_adapt.report.language import recorded

MOST_SAMPLES = 4
MOST_PREDICTIONS = 5


@dataclass(frozen=True)
class Bar:
    label: str
    score: str
    share: float | None  # of the longest bar, 0 to 1. None: a score below zero, which has no length


@dataclass(frozen=True)
class Sample:
    """One input and the best predictions about it. `picture` is a data URL; empty: there is none."""

    origin: str
    picture: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Said:
    samples: tuple[Sample, ...]
    more: int  # samples that are not shown


def said(figures: Figures, pictures: Mapping[str, bytes]) -> Said:
    """The best predictions by sample. `pictures`: JPEGs by the origin that the record names."""
    run = figures.summary.run
    if run is None or not run.predictions:
        return Said((), 0)
    numbers = sorted({each.sample for each in run.predictions})
    inputs = [each for each in run.inputs if each.name == run.inputs[0].name]
    return Said(
        tuple(_sample(figures, number, inputs, pictures) for number in numbers[:MOST_SAMPLES]),
        max(0, len(numbers) - MOST_SAMPLES),
    )


def _sample(figures: Figures, number: int, inputs: Sequence[InputInfo], pictures: Mapping[str, bytes]) -> Sample:
    given = inputs[number] if number < len(inputs) else None
    origin = "" if given is None else recorded(given.origin, given.said, figures.language)
    data = next((data for name, data in pictures.items() if given is not None and given.origin.startswith(name)), None)
    url = "" if data is None else f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return Sample(origin, url, tuple(_bars(figures, number)))


def _bars(figures: Figures, number: int) -> Iterator[Bar]:
    run = figures.summary.run
    assert run is not None
    own = [(at, each) for at, each in enumerate(run.predictions) if each.sample == number][:MOST_PREDICTIONS]
    longest = max((each.score for _, each in own), default=0.0)
    drawn = longest > 0 and all(each.score >= 0 for _, each in own)
    for at, each in own:
        yield Bar(
            each.label or figures.say("empty"),
            figures(f"run.predictions.{at}.score"),
            each.score / longest if drawn else None,
        )
