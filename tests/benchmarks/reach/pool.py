"""Worker processes that judge one model type after another; one that takes too long is ended and replaced."""

from __future__ import annotations

import os
import queue
import resource
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from tests.benchmarks.reach.judging import LONGEST_SECONDS, Outcome
from tests.benchmarks.reach.packages import search_path

LIMIT_SECONDS = 5 * LONGEST_SECONDS  # of the processor, for all ways of shrinking together, and the imports
POLL_SECONDS = 2.0
MEMORY_BYTES = 16 << 30  # of addresses: a model that wants more fails alone, and stops nothing else on the machine


def run_pool(names: Sequence[str], jobs: int, results: Path) -> None:
    """Judges all of them, and appends each outcome to `results` as it comes."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    lock = threading.Lock()
    threads = [threading.Thread(target=_feed, args=(waiting, results, lock)) for _ in range(min(jobs, len(names)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _feed(waiting: queue.SimpleQueue[str], results: Path, lock: threading.Lock) -> None:
    worker = _start()
    while True:
        try:
            name = waiting.get_nowait()
        except queue.Empty:
            break
        outcome = _ask(worker, name)
        if worker.poll() is not None:
            worker = _start()
        with lock, results.open("ab") as file:
            file.write(msgspec.json.encode(outcome) + b"\n")
            print(f"{outcome.model_type:32} {outcome.verdict:9} {outcome.why[:110]}", file=sys.stderr, flush=True)
    worker.kill()
    worker.wait()


def _start() -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "TORCH_DEVICE_BACKEND_AUTOLOAD": "0", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": search_path(),
    }  # fmt: skip
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.reach", "--worker"]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )


def _ask(worker: subprocess.Popen[bytes], name: str) -> Outcome:
    assert worker.stdin is not None and worker.stdout is not None
    answered = threading.Event()
    watch = threading.Thread(target=_limit, args=(worker, answered))
    watch.start()
    try:
        worker.stdin.write(f"{name}\n".encode())
        worker.stdin.flush()
        line = worker.stdout.readline()
    except OSError:
        line = b""
    finally:
        answered.set()
        watch.join()
    if line:
        return msgspec.json.decode(line, type=Outcome)
    code = worker.wait()
    return Outcome(name, "", "wrong", why=f"the process ended with {code}, or took over {LIMIT_SECONDS:.0f} s")


def _limit(worker: subprocess.Popen[bytes], answered: threading.Event) -> None:
    """Ends a worker that takes too long for one answer."""
    with suppress(psutil.Error):
        process = psutil.Process(worker.pid)
        before = sum(process.cpu_times()[:2])
        while not answered.wait(POLL_SECONDS):
            if sum(process.cpu_times()[:2]) - before > LIMIT_SECONDS:
                worker.kill()
                return


def work() -> None:
    """A worker: names on stdin, outcomes on stdout. What libraries print goes to stderr."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from npu_adapt.devices.hiding import unopened_extensions_hidden

    with unopened_extensions_hidden():
        from tests.benchmarks.reach.heads import heads
        from tests.benchmarks.reach.judging import quick, reach

        known = {head.model_type: head for head in heads()}
    quick()
    for line in sys.stdin:
        answers.write(msgspec.json.encode(reach(known[line.strip()])) + b"\n")
        answers.flush()
