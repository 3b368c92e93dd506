"""Threads whose end is known, however it comes."""

import _thread
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import pytest

from npu_adapt.errors import RunFailed
from npu_adapt.threads import Parallel, Work, given_by, in_parallel, require_threads, within

START = _thread.start_new_thread


def stillborn(function: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    """A thread that ends before its first line, as with a `MemoryError`: it lets go of its arguments, says nothing."""
    del function, arguments
    return START(int, ())


def refused(function: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
    raise RuntimeError("can't start new thread")


def test_what_it_returns_or_raises_is_its_result() -> None:
    assert Work(lambda: 7).result() == 7
    failing = Work(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        failing.result()
    assert isinstance(failing.failure(), ZeroDivisionError)


def test_it_is_waited_for_as_long_as_asked() -> None:
    goes_on = threading.Event()
    work = Work(lambda: goes_on.wait(60))
    assert not work.wait(0) and not work.wait(0.01) and not work.done()
    assert work.failure() is None
    goes_on.set()
    assert work.wait(60) and work.done() and work.result() is True


def test_what_does_not_end_in_time_is_left_alone() -> None:
    assert within(60, lambda: 7) == 7
    with pytest.raises(TimeoutError, match=r"it does not end within 0\.01 s"):
        within(0.01, lambda: threading.Event().wait(0.5))


def test_a_thread_that_died_before_it_began_is_no_wait_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_thread, "start_new_thread", stillborn)
    began = time.monotonic()
    for wait in (
        lambda: Work(lambda: 7).result(),
        lambda: in_parallel([lambda: 7] * 3, 2, threading.Event()),
        lambda: given_by(SimpleQueue[int](), [Work(lambda: None)]),
    ):
        with pytest.raises(RunFailed, match="a thread cannot be started: it ended before it began") as caught:
            wait()
        assert caught.value.kind == "out-of-memory" and "ulimit" in caught.value.hint
    assert time.monotonic() - began < 10


def test_where_no_thread_can_be_started_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_thread, "start_new_thread", refused)
    with pytest.raises(RunFailed, match="a thread cannot be started: can't start new thread"):
        Work(lambda: 7)
    with pytest.raises(RunFailed, match="can't start new thread"):
        Parallel([lambda: 7], 1)


def test_the_workers_that_there_are_do_all(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [START]

    def one(*given: Any) -> int:
        return (left.pop() if left else refused)(*given)

    monkeypatch.setattr(_thread, "start_new_thread", one)
    assert in_parallel([lambda number=number: number for number in range(5)], 3, threading.Event()) == [*range(5)]


def test_threads_that_a_library_will_start_are_tried_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """libgomp ends the process with exit code 1 where it cannot start those of torch's pool."""
    before = threading.active_count()
    require_threads(3)
    require_threads(-1)
    assert threading.active_count() == before
    monkeypatch.setattr(_thread, "start_new_thread", refused)
    require_threads(0)
    with pytest.raises(RunFailed, match="a thread cannot be started: can't start new thread"):
        require_threads(1)
