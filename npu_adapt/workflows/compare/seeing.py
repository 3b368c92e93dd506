"""What people see in both sides' outputs, where the task's outputs are boxes or masks."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.models.tasks import LoadedModel, Outputs, Sample
from npu_adapt.numerics.overlap import both_seen, matched
from npu_adapt.records import Overlap


def overlaps(
    loaded: LoadedModel,
    samples: tuple[Sample, ...],
    reference: tuple[Outputs, ...],
    candidate: tuple[Outputs, ...],
) -> tuple[Overlap, ...]:
    """One record a sample; none for tasks whose outputs are no boxes or masks."""
    return tuple(_overlaps(loaded, samples, reference, candidate))


def _overlaps(
    loaded: LoadedModel,
    samples: tuple[Sample, ...],
    reference: tuple[Outputs, ...],
    candidate: tuple[Outputs, ...],
) -> Iterator[Overlap]:
    task = loaded.task
    if task.see is None or not all(name in outputs for name in task.needs for outputs in reference):
        return
    for number, sample in enumerate(samples):
        one, other = (task.see(loaded, sample, outputs[number]) for outputs in (reference, candidate))
        if one is None or other is None:
            return
        one, other = both_seen(one, other)
        found = matched(one, other)
        yield Overlap(
            sample=number,
            kind=one.kind,
            reference_objects=len(one.labels),
            candidate_objects=len(other.labels),
            matched=len(found),
            least_iou=min(found) if found else None,
            mean_iou=sum(found) / len(found) if found else None,
        )
