"""Work in threads of its own whose end is always known, also where memory ran out before the thread had begun.

`threading.Thread.start` waits for the new thread's first words, without an end where that thread dies of a
`MemoryError` before them (python/cpython#140746), and a queue that it was to fill is never filled. So threads are begun
by `_thread`, and who waits for one asks now and then whether it is still there. All are daemons: none that hangs in a
network or a driver keeps the process.
"""

from __future__ import annotations

import _thread
import math
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any, Generic, TypeVar

from npu_adapt.errors import RunFailed, Sentence

Result = TypeVar("Result")
PULSE = 0.5  # seconds between two looks at whether a thread is still there


class _Held:
    """What a thread alone holds: once it is gone, so is the thread."""


class Work(Generic[Result]):
    """`function`, running in a thread from now on. Raises `RunFailed` where no thread can be started."""

    def __init__(self, function: Callable[[], Result]) -> None:
        held = _Held()
        self._held = weakref.ref(held)
        self._running = _thread.allocate_lock()
        self._running.acquire()
        self._outcome: tuple[Any, BaseException | None] | None = None
        try:
            _thread.start_new_thread(self._run, (function, held))
        except RuntimeError as error:
            raise _no_thread(str(error), kind="other") from error

    def _run(self, function: Callable[[], Result], held: _Held) -> None:
        try:
            self._outcome = function(), None
        except BaseException as error:  # noqa: BLE001 - raised again by `result`
            self._outcome = None, error
        finally:
            self._running.release()

    def done(self) -> bool:
        """Whether it has ended, with a word or without."""
        return not self._running.locked() or self._held() is None

    def wait(self, seconds: float = math.inf) -> bool:
        """Waits so long for its end; whether that has come."""
        until = time.monotonic() + seconds
        while not self.done():
            left = until - time.monotonic()
            if left <= 0:
                return False
            if self._running.acquire(timeout=min(PULSE, left)):
                self._running.release()
        return True

    def failure(self) -> BaseException | None:
        """What it raised, or that it ended without a word; None: nothing, or it goes on."""
        if not self.done():
            return None
        if self._outcome is None:
            return _silent()
        return self._outcome[1]

    def result(self) -> Result:
        """What it returned, once it has ended. Raises what it raised."""
        self.wait()
        if (failure := self.failure()) is not None:
            raise failure
        assert self._outcome is not None
        found: Result = self._outcome[0]
        return found


def given_by(queue: SimpleQueue[Result], workers: Sequence[Work[Any]]) -> Result:
    """The next that one of the workers puts there. Raises the failure of the first, where all have ended."""
    while True:
        ended = all(each.done() for each in workers)  # before the queue is looked at: a last word counts
        try:
            return queue.get(block=not ended, timeout=PULSE)
        except Empty:
            if ended:
                failures = (each.failure() for each in workers)
                raise next(filter(None, failures), _silent()) from None


def require_threads(count: int) -> None:
    """Raises `RunFailed` where this process may not start so many more threads: a library that may not ends it.

    They are started and let go: libgomp, torch's own pool, says "Thread creation failed" and exits with 1.
    """
    gate = _thread.allocate_lock()
    with gate:
        for _ in range(count):
            try:
                _thread.start_new_thread(_pass, (gate,))
            except RuntimeError as error:
                raise _no_thread(str(error), kind="other") from error


def _pass(gate: _thread.LockType) -> None:
    with gate:
        pass


def within(seconds: float, function: Callable[[], Result]) -> Result:
    """What the function returns. Raises what it raises, and `TimeoutError` where it goes on after so long."""
    work = Work(function)
    if not work.wait(seconds):
        raise TimeoutError(f"it does not end within {seconds:g} s")
    return work.result()


class Parallel(Generic[Result]):
    """The jobs, running in their order by so many workers from now on.

    To iterate over it gives the number and the result of each as they are done, and raises what the first failing one
    raised. `stop` is set then and at the end: no further job is begun, and those that look at it may end themselves.
    """

    def __init__(self, jobs: Sequence[Callable[[], Result]], workers: int, stop: Event | None = None) -> None:
        self._jobs, self.stop = jobs, stop or Event()
        self._waiting: SimpleQueue[int] = SimpleQueue()
        self._ended: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()
        for number in range(len(jobs)):
            self._waiting.put(number)
        self._workers: list[Work[None]] = []
        for _ in range(min(workers, len(jobs))):
            try:
                self._workers.append(Work(self._work))
            except RunFailed:
                if not self._workers:  # those that there are do all
                    raise

    def _work(self) -> None:
        while not self.stop.is_set():
            try:
                number = self._waiting.get_nowait()
            except Empty:
                return
            try:
                self._ended.put((number, self._jobs[number](), None))
            except BaseException as error:  # noqa: BLE001 - raised again by who iterates
                self._ended.put((number, None, error))

    def __iter__(self) -> Iterator[tuple[int, Result]]:
        try:
            for _ in self._jobs:
                number, result, error = given_by(self._ended, self._workers)
                if error is not None:
                    raise error
                yield number, result
        finally:
            self.stop.set()


def in_parallel(jobs: Sequence[Callable[[], Result]], workers: int, stop: Event) -> list[Result]:
    """The results of all jobs, in their order. Raises what the first failing one raised, as `Parallel` does."""
    results = dict(Parallel(jobs, workers, stop))
    return [results[number] for number in range(len(jobs))]


def _silent() -> RunFailed:
    return _no_thread("it ended before it began", kind="out-of-memory")


def _no_thread(reason: str, *, kind: str) -> RunFailed:
    return RunFailed(
        Sentence("a thread cannot be started: {reason}", reason=reason),
        hint="look at the limits of processes and memory: ulimit -a",
        stage="start",
        kind=kind,
    )
