"""The speed-up of a comparison: of both sides in turns, or the reason why there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from npu_adapt.devices.selection import open_device
from npu_adapt.models.tasks import Sample
from npu_adapt.records import CompareLatency
from npu_adapt.timing.loop import measure_alternately
from npu_adapt.workflows.compare import latency
from npu_adapt.workflows.compare.latency import measure_latency
from npu_adapt.workflows.run.forward import Side

SAMPLE = Sample({"x": torch.ones(2)}, ())


class Timed:
    """A task whose forward takes as long as `seconds` says, call by call; it writes into its inputs."""

    def __init__(self, seconds: Callable[[int], float]) -> None:
        self.seconds = seconds
        self.seen: list[float] = []

    def forward(self, module: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        self.seen.append(float(tensors["x"].sum()))
        tensors["x"].add_(1.0)
        time.sleep(self.seconds(len(self.seen)))
        return {"x": tensors["x"]}


def side(task: Any) -> Side:
    return Side(nn.Identity(), open_device("cpu", allow_cpu=True).device, torch.float32, task)


def test_the_speed_up_is_the_quotient_of_both_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    nanoseconds = [0]  # the test's own clock, which no other process on this machine delays

    def advance(seconds: float) -> None:
        nanoseconds[0] += round(1e9 * seconds)

    monkeypatch.setattr(time, "sleep", advance)
    monkeypatch.setattr(latency, "measure_alternately", partial(measure_alternately, clock=lambda: nanoseconds[0]))
    slow, fast = Timed(lambda call: 0.02), Timed(lambda call: 0.005)
    found = measure_latency(side(slow), side(fast), SAMPLE, round_ms=25.0)
    assert isinstance(found, CompareLatency)
    assert found.speed_up == pytest.approx(found.reference_ms / found.candidate_ms)
    assert found.speed_up == pytest.approx(4.0)
    assert set(slow.seen) == set(fast.seen) == {2.0}  # every forward gets inputs of its own


def test_a_side_that_does_not_become_steady_has_no_speed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "LONGEST_SECONDS", 0.3)
    restless = Timed(lambda call: 0.001 if call % 2 else 0.02)
    found = measure_latency(side(Timed(lambda call: 0.005)), side(restless), SAMPLE, round_ms=15.0)
    assert found.id == "latency-unsteady"  # type: ignore[union-attr]


def test_a_forward_of_seconds_is_not_measured_again() -> None:
    never = Timed(lambda call: 0.0)
    found = measure_latency(side(never), side(never), SAMPLE, round_ms=1000.0)
    assert (found.id, never.seen) == ("latency-too-long", [])  # type: ignore[union-attr]
