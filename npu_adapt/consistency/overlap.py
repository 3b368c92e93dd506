"""What a record of boxes and masks must agree with in itself."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.consistency.contradiction import Contradiction, same
from npu_adapt.records import Compare, Overlap
from npu_adapt.records.overlap import LEAST_IOU


def of_overlaps(compare: Compare) -> Iterator[Contradiction]:
    """The contradictions of `compare.overlaps`."""
    for at, overlap in enumerate(compare.overlaps):
        path = f"compare.overlaps.{at}"
        most = min(overlap.reference_objects, overlap.candidate_objects)
        if not 0 <= overlap.matched <= most:
            yield Contradiction(f"{path}.matched", overlap.matched, most, "the objects of both sides")
        if overlap.sample >= compare.samples:
            yield Contradiction(f"{path}.sample", overlap.sample, compare.samples, "compare.samples")
        yield from _of_figures(path, overlap)


def _of_figures(path: str, overlap: Overlap) -> Iterator[Contradiction]:
    """The least is no more than the mean, both are between the least that matches and 1, and there are both or none."""
    least, mean = overlap.least_iou, overlap.mean_iou
    if least is None or mean is None:
        if overlap.matched or least is not None or mean is not None:
            yield Contradiction(f"{path}.least_iou", least, mean, f"{path}.matched")
        return
    if not overlap.matched or not LEAST_IOU <= least <= 1:
        yield Contradiction(f"{path}.least_iou", least, LEAST_IOU, f"{path}.matched")
    if mean > 1 or (mean < least and not same(mean, least)):
        yield Contradiction(f"{path}.mean_iou", mean, least, f"{path}.least_iou")
