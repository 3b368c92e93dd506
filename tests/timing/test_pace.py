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


def test_a_latency_over_its_pace_is_the_median_of_the_pairs() -> None:
    assert paced((10.0, 20.0, 33.0), (1.0, 2.0, 3.0)) == 10.0
    with pytest.raises(ValueError):
        paced((1.0, 2.0), (1.0,))
