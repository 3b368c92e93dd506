"""Which of two tokens a correct device may choose: margins between logits, in noise floors of their position.

The noise floor of a position is the largest error of correct emulations there: the root mean square over the
vocabulary, in logits. The difference of two logits has sqrt(2) times the noise of one, so a margin is counted in
sqrt(2) floors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Flip:
    """A position where another token has the highest score than the one that was written."""

    position: int
    written: int
    chosen: int
    margin: float  # by which the truth prefers the written token, in logits; infinite where the other may not be chosen
    over_floor: float


def position_errors(found: Tensor, truth: Tensor) -> Tensor:
    """[positions], float64: the root mean square error of each position's logits [positions, vocabulary].

    Infinite where a value is not finite on one side only. Logits that are the same infinity on both count as equal.
    """
    one, other = found.double(), truth.double()
    error = (one - other).where(one != other, 0.0).nan_to_num(nan=math.inf, posinf=math.inf, neginf=-math.inf)
    return error.square().mean(-1).sqrt()


def position_floors(emulated: Sequence[Tensor], truth: Tensor, smallest: float) -> Tensor:
    """[positions], float64: the largest error of each position, and at least the median one of all positions.

    A position may come out right by luck in all of a few emulations. `smallest` is the roundoff of the logits' type,
    which no device is better than.
    """
    errors = torch.stack([position_errors(each, truth) for each in emulated])
    finite = errors.where(errors.isfinite(), 0.0)
    largest = finite.amax(0)
    sizes = truth.double().where(truth.isfinite(), 0.0).square().mean(-1).sqrt()
    return torch.maximum(largest, largest.median()).clamp(min=torch.finfo(torch.float64).tiny).maximum(smallest * sizes)


def as_chosen(truth: Tensor, raw: Tensor, scores: Tensor) -> Tensor:
    """The truth's scores: what the generation's processors made of one side's logits is done to the truth's.

    Tokens that may not be chosen are minus infinity. A penalty that multiplies is taken as the difference it made.
    """
    change = scores.double() - raw.double()
    return torch.where(scores.isneginf(), -math.inf, truth.double() + change.nan_to_num(0.0, 0.0, 0.0))


def margins_over_floor(scores: Tensor, floors: Tensor) -> Tensor:
    """[positions]: the margin between the two best scores in floors; infinite where only one may be chosen."""
    if scores.size(-1) < 2:
        return torch.full_like(floors, math.inf)
    best = scores.topk(2, dim=-1).values
    return (best[:, 0] - best[:, 1]) / (math.sqrt(2) * floors)


def flips(written: Tensor, found: Tensor, truth: Tensor, floors: Tensor) -> tuple[Flip, ...]:
    """Every position where the device's scores [positions, vocabulary] prefer another token than `written` [positions].

    `truth` are the exact scores, `floors` those of the positions.
    """
    chosen = found.argmax(-1)
    places = (chosen != written).nonzero().flatten().tolist()
    made = []
    for place in places:
        one, other = int(written[place]), int(chosen[place])
        margin = float(truth[place, one] - truth[place, other])
        over = abs(margin) / (math.sqrt(2) * float(floors[place]))
        made.append(Flip(place, one, other, margin, math.inf if math.isnan(over) else over))
    return tuple(made)
