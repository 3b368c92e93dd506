"""What people see of a detection: in the record, and held to what it derives from."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from npu_adapt.consistency.overlap import of_overlaps
from npu_adapt.progress import Silent
from npu_adapt.records import Compare, Overlap
from npu_adapt.workflows.compare.command import CompareOptions, compare
from npu_adapt.workflows.run.request import RunRequest
from tests.models.tiny_models import MAKERS

SEEN = Overlap(
    sample=0, kind="boxes", reference_objects=5, candidate_objects=5, matched=5, least_iou=1.0, mean_iou=1.0
)  # fmt: skip


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Compare:
    folder = tmp_path_factory.mktemp("seeing")
    request = RunRequest(
        command="compare", command_line="npu-adapt compare", model=str(MAKERS["yolos"][0](folder / "yolos")),
        device="cpu", logs=folder / "logs", cache_dir=Path(folder / "cache"), offline=True,
    )  # fmt: skip
    found = compare(request, CompareOptions(fast=True), Silent()).compare
    assert found is not None
    return found


def test_both_sides_boxes_are_matched(section: Compare) -> None:
    assert section.overlaps == (SEEN,)
    assert list(of_overlaps(section)) == []


@pytest.mark.parametrize(
    "edit",
    [{"matched": 6}, {"matched": 0}, {"least_iou": 0.4}, {"mean_iou": 0.9}, {"least_iou": None}, {"sample": 1}],
    ids=str,
)
def test_an_edited_figure_is_a_contradiction(section: Compare, edit: dict[str, object]) -> None:
    edited = replace(section, overlaps=(replace(section.overlaps[0], **edit),))
    assert list(of_overlaps(edited))
