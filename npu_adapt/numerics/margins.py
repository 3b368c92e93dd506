"""Which of two tokens a correct device may choose: margins between logits, in noise floors of their position.

The floor of a position is the largest error of correct emulations there: the root mean square over the vocabulary,
in logits. Much of that moves all logits alike, which changes no choice; so the floor of a margin is taken from the
errors of the best tokens about their mean, and the difference of two has sqrt(2) times the noise of one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BEST = 8  # tokens of a position that compete: more say less of those that are chosen from


@dataclass(frozen=True)
class Flip:
    """A position where another token has the highest score than on the reference."""

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


def margin_floors(emulated: Sequence[Tensor], truth: Tensor, smallest: float) -> Tensor:
    """[positions], float64: the largest noise of a difference between two of each position's best tokens.

    At least the median one of all positions, and the roundoff `smallest` of the best token's own logit.
    """
    exact = truth.double()
    best = exact.topk(min(BEST, exact.size(-1)), dim=-1)
    errors = torch.stack([each.double().gather(-1, best.indices) - best.values for each in emulated])
    errors = errors.where(errors.isfinite(), 0.0)
    about_mean = errors - errors.mean(-1, keepdim=True)
    noise = math.sqrt(2) * (about_mean.square().sum(-1) / max(1, best.values.size(-1) - 1)).sqrt().amax(0)
    largest = best.values[:, 0].abs().nan_to_num(0.0, 0.0, 0.0)
    least = torch.finfo(torch.float64).tiny
    return noise.maximum(noise.median()).maximum(smallest * largest).clamp(min=least)


def as_chosen(truth: Tensor, raw: Tensor, scores: Tensor) -> Tensor:
    """The truth's scores: what the generation's processors made of one side's logits is done to the truth's.

    Tokens that may not be chosen are minus infinity. A penalty that multiplies is taken as the difference it made.
    """
    change = scores.double() - raw.double()
    return torch.where(scores.isneginf(), -math.inf, truth.double() + change.nan_to_num(0.0, 0.0, 0.0))


def margins_over_floor(scores: Tensor, floors: Tensor) -> Tensor:
    """[positions]: the margin between the two best scores in `floors`; infinite where only one may be chosen."""
    if scores.size(-1) < 2:
        return torch.full_like(floors, math.inf)
    best = scores.topk(2, dim=-1).values
    return (best[:, 0] - best[:, 1]) / floors


def flips(expected: Tensor, found: Tensor, truth: Tensor, floors: Tensor) -> tuple[Flip, ...]:
    """Every position where the device's scores [positions, vocabulary] prefer another token than the reference's.

    `truth` are the exact scores, `floors` those of the positions' margins.
    """
    written, chosen = expected.argmax(-1), found.argmax(-1)
    places = (chosen != written).nonzero().flatten().tolist()
    made = []
    for place in places:
        one, other = int(written[place]), int(chosen[place])
        margin = float(truth[place, one] - truth[place, other])
        over = abs(margin) / float(floors[place])
        made.append(Flip(place, one, other, margin, math.inf if math.isnan(over) else over))
    return tuple(made)
