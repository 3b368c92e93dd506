"""What sets neighbours on a shared processor aside: the same work each time, and weights that were just read."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from torch.overrides import TorchFunctionMode

from npu_adapt.timing.pace import fixed_work, paced, reader


@pytest.mark.alone
def test_the_work_is_in_the_calling_thread_and_takes_about_a_millisecond() -> None:
    fixed_work()
    wall, own, others = time.perf_counter(), time.thread_time(), time.process_time()
    for _ in range(50):
        fixed_work()
    wall, own, others = time.perf_counter() - wall, time.thread_time() - own, time.process_time() - others
    assert 0.00005 < wall / 50 < 0.05
    assert own == pytest.approx(others, rel=0.2, abs=0.02), threading.enumerate()


def test_every_tensor_is_read_at_every_call() -> None:
    class Reads(TorchFunctionMode):
        def __torch_function__(self, func: object, types: object, args: tuple = (), kwargs: object = None) -> object:
            seen.extend(id(each) for each in args)
            return func(*args)  # type: ignore[operator]

    weights = (torch.ones(3, 4), torch.ones(2, dtype=torch.bfloat16), torch.ones(5, dtype=torch.bool), torch.ones(()))
    read = reader(iter(weights))
    for _ in range(2):
        seen: list[int] = []
        with Reads():
            read()
        assert seen == [id(weight) for weight in weights]


def test_of_a_latency_one_share_changes_as_reading_does_and_the_rest_as_the_work() -> None:
    before = paced(8.0, reading_ms=2.0, work_ms=0.7, reading_share=0.25)
    assert paced(8.8, reading_ms=2.2, work_ms=0.77, reading_share=0.25) == pytest.approx(before)
    assert paced(8.0 * 1.5**0.25, reading_ms=3.0, work_ms=0.7, reading_share=0.25) == pytest.approx(before)
    assert paced(9.2, reading_ms=2.0, work_ms=0.7, reading_share=0.25) == pytest.approx(1.15 * before)
    assert paced(8.0, reading_ms=9.9, work_ms=0.5, reading_share=0.0) == 16.0
