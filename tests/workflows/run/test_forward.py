"""Forwards of one side: how often each runs, and which of them tells how long a warm one takes."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from npu_adapt.devices.selection import open_device
from npu_adapt.models.tasks import Sample
from npu_adapt.progress import Silent
from npu_adapt.workflows.run.forward import Forwards, Side, run_forwards
from tests.workflows.compare.faulty_models import OneTask

SLEPT_MS = 40.0


class Counting(nn.Module):
    """Takes some milliseconds, and so many operators."""

    def __init__(self, operators: int, slept_ms: float) -> None:
        super().__init__()
        self.operators, self.slept_ms, self.forwards = operators, slept_ms, 0

    def forward(self, x: Tensor) -> Tensor:
        self.forwards += 1
        time.sleep(self.slept_ms / 1e3)
        for _ in range(self.operators):
            x = x + 1.0
        return x


def watched(module: Counting, samples: int = 1) -> Forwards:
    device = open_device("cpu", allow_cpu=True).device
    side = Side(module.eval(), device, torch.float32, OneTask())  # type: ignore[arg-type]
    return run_forwards(side, (Sample({"x": torch.zeros(3)}, ()),) * samples, Silent(), warm=1, watched=3)


def test_a_watched_forward_of_few_operators_tells_how_long_a_warm_one_takes() -> None:
    module = Counting(operators=3, slept_ms=SLEPT_MS)
    found = watched(module, samples=2)
    assert module.forwards == 3 + 3 and found.repeated == 3
    (warm,) = found.warm_ms
    assert SLEPT_MS <= warm < 10 * SLEPT_MS  # the machine may be busy


def test_where_watching_counts_a_warm_forward_is_run_for_itself() -> None:
    module = Counting(operators=200, slept_ms=0.0)
    found = watched(module, samples=2)
    assert module.forwards == 3 + 1 + 3 and len(found.warm_ms) == 1
