"""Devices that convolve by a transform: recognised by the probe, right by a floor of their own, caught where wrong."""

from __future__ import annotations

import pytest

from tests.benchmarks.verdict_convolutions import Convolving


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
    device = Convolving(model, arithmetic, transform, seed=1)
    correct, faulty = device.run(), list(device.faulty(1))
    assert transform in device.recognised  # of 3x3 pixels nobody can tell a tile from the whole
    assert correct is not None and not correct.alarms["combination"] and correct.over_floor < 2, correct
    assert faulty and all(run.alarms["combination"] and run.named_right for run in faulty), faulty


def test_a_model_without_such_convolutions_is_not_asked() -> None:
    device = Convolving("ConvNeXt", "float32", "winograd-4x4", seed=0)
    correct = device.run()
    assert correct is not None and not correct.alarms["combination"] and device.recognised == set()
