"""The processor's pace: the same work each time, in turns with what is measured."""

from __future__ import annotations

import threading
import time

import pytest

from npu_adapt.timing.pace import fixed_work, paced


@pytest.mark.alone
def test_the_work_is_in_the_calling_thread_and_takes_a_millisecond_or_two() -> None:
    work = fixed_work()
    work()
    wall, own, others = time.perf_counter(), time.thread_time(), time.process_time()
    for _ in range(50):
        work()
    wall, own, others = time.perf_counter() - wall, time.thread_time() - own, time.process_time() - others
    assert 0.00005 < wall / 50 < 0.05
    assert own == pytest.approx(others, rel=0.2, abs=0.02), threading.enumerate()


def test_a_latency_over_its_pace_is_the_median_of_the_pairs() -> None:
    assert paced((10.0, 20.0, 33.0), (1.0, 2.0, 3.0)) == 10.0
    with pytest.raises(ValueError):
        paced((1.0, 2.0), (1.0,))
