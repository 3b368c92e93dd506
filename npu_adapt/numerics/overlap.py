"""Boxes and masks of two sides, matched by class and by how far they lie over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from npu_adapt.records.overlap import LEAST_IOU

Kind: TypeAlias = Literal["boxes", "masks"]
SEEN = 0.5  # the least score of a box that transformers' pipeline shows
SHOWN = 5  # boxes that are compared where none has that score


@dataclass(frozen=True)
class Objects:
    """What one side sees in one picture: a class, a shape and a score each."""

    kind: Kind
    labels: Tensor  # [objects], whole numbers
    shapes: Tensor  # boxes [objects, 4] as left, top, right, bottom, or masks [objects, height, width] of booleans
    scores: Tensor  # [objects]

    def most_certain(self, count: int) -> Objects:
        """The objects of the highest scores."""
        order = self.scores.argsort(descending=True, stable=True)[:count]
        return Objects(self.kind, self.labels[order], self.shapes[order], self.scores[order])


def both_seen(reference: Objects, candidate: Objects) -> tuple[Objects, Objects]:
    """Of each side what a person is shown: objects with a score of a half; the five best where the reference has none.

    A score that the device moves across the half makes an object appear or vanish, as it does for the person.
    """
    count = int((reference.scores >= SEEN).sum())
    if not count:
        return reference.most_certain(SHOWN), candidate.most_certain(SHOWN)
    return reference.most_certain(count), candidate.most_certain(int((candidate.scores >= SEEN).sum()))


def matched(reference: Objects, candidate: Objects) -> Sequence[float]:
    """The IoU of each pair of the same class: the closest pairs first, each object in one pair at most."""
    overlaps = iou(reference, candidate)
    overlaps = overlaps.where(reference.labels[:, None] == candidate.labels[None, :], 0.0)
    found: list[float] = []
    while overlaps.numel() and float(overlaps.max()) >= LEAST_IOU:
        row, column = divmod(int(overlaps.argmax()), overlaps.shape[1])
        found.append(float(overlaps[row, column]))
        overlaps[row, :] = overlaps[:, column] = 0.0
    return found


def iou(reference: Objects, candidate: Objects) -> Tensor:
    """[objects of the reference, objects of the candidate] in float64: shared area over the area of both."""
    if reference.kind == "boxes":
        one, other = reference.shapes.double()[:, None], candidate.shapes.double()[None]
        sides = (torch.minimum(one, other)[..., 2:] - torch.maximum(one, other)[..., :2]).clamp(min=0)
        shared = sides.prod(-1)
        areas = [(each[..., 2:] - each[..., :2]).clamp(min=0).prod(-1) for each in (one, other)]
    else:
        flat = [each.shapes.flatten(1).double() for each in (reference, candidate)]
        shared = flat[0] @ flat[1].T
        areas = [flat[0].sum(1)[:, None], flat[1].sum(1)[None]]
    whole = areas[0] + areas[1] - shared
    return torch.where(whole > 0, shared / whole.where(whole > 0, 1.0), 0.0)
