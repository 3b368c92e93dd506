"""Several jobs at once, in threads that a Ctrl-C does not wait for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

Result = TypeVar("Result")


def in_parallel(jobs: Sequence[Callable[[], Result]], workers: int, stop: Event) -> list[Result]:
    """The results of all jobs, in their order, begun in that order.

    The first job that fails ends it: `stop` is set, so that the others may end themselves, and its exception is raised.
    The threads are daemons: one that hangs in the network keeps neither the caller nor the process.
    """
    waiting: SimpleQueue[int] = SimpleQueue()
    ended: SimpleQueue[tuple[int, Result | None, BaseException | None]] = SimpleQueue()
    for number in range(len(jobs)):
        waiting.put(number)

    def work() -> None:
        while not stop.is_set():
            try:
                number = waiting.get_nowait()
            except Empty:
                return
            try:
                ended.put((number, jobs[number](), None))
            except BaseException as error:  # noqa: BLE001 - it is raised by the caller's thread
                ended.put((number, None, error))

    results: dict[int, Result] = {}
    for _ in range(min(workers, len(jobs))):
        Thread(target=work, name="download", daemon=True).start()
    try:
        while len(results) < len(jobs):
            number, result, error = ended.get()
            if error is not None:
                raise error
            results[number] = result  # type: ignore[assignment]
    finally:
        stop.set()
    return [results[number] for number in range(len(jobs))]
