"""The record of what people see in two sides' outputs: boxes and masks, and how far they lie over each other."""

from __future__ import annotations

from npu_adapt.records.base import Record

LEAST_IOU = 0.5  # of a pair: PASCAL VOC's and COCO's lowest


class Overlap(Record, frozen=True, kw_only=True):
    """The objects that both sides see in one sample. IoU: shared area over the area of both together."""

    sample: int
    kind: str  # boxes | masks
    reference_objects: int
    candidate_objects: int
    matched: int  # pairs of the same class with an IoU of at least `LEAST_IOU`
    least_iou: float | None  # of the matched pairs; None: nothing matched
    mean_iou: float | None  # likewise
