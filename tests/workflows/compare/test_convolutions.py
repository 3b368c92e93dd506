"""Devices that convolve by a transform: recognised by the probe, right by a floor of their own, caught where wrong."""

from __future__ import annotations

import pytest

from tests.benchmarks.verdict_convolutions import examine


@pytest.mark.parametrize(
    ("model", "arithmetic", "transform"),
    [
        ("U-Net", "float32", "winograd-4x4"),
        ("U-Net", "hf32", "winograd-2x2"),
        ("U-Net", "bfloat16", "winograd-4x4"),
        ("ResNet", "tf32", "fft"),
    ],
)
def test_a_transform_is_no_fault_and_hides_none(model: str, arithmetic: str, transform: str) -> None:
    correct, *faulty = examine(model, arithmetic, transform, faults=1, seed=1)
    assert transform in correct.recognised  # of 3x3 pixels nobody can tell a tile from the whole
    assert not correct.alarm and correct.over_floor < 2, correct
    assert faulty and all(run.alarm and run.named_right for run in faulty), faulty


def test_a_model_without_such_convolutions_is_not_asked() -> None:
    (correct,) = examine("ConvNeXt", "float32", "winograd-4x4", faults=0, seed=0)
    assert correct.recognised == () and not correct.alarm
