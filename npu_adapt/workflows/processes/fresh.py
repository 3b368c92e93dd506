"""A benchmark in fresh processes: nothing left over touches the figure, and a crash is a failed run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import psutil

from npu_adapt.errors import ExitCode, NpuAdaptError, Sentence
from npu_adapt.evidence import Logs
from npu_adapt.records import Fact, Summary, decode
from npu_adapt.workflows.bench.options import BenchOptions, FreshProcesses
from npu_adapt.workflows.processes.call import Call
from npu_adapt.workflows.processes.children import child_environment
from npu_adapt.workflows.processes.deadline import HANDOVER_VARIABLE
from npu_adapt.workflows.run.request import RunRequest

BUSY_SECONDS = 0.2  # over which the idlest cores are chosen


class ChildFailed(NpuAdaptError):
    """A fresh process ended as the command itself would have: with its message, hint and exit code.

    `reason` is why its row failed, `summary` the record that it kept; None where it kept none.
    """

    def __init__(
        self, message: str, *, hint: str, exit_code: int, reason: Fact, summary: Summary | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = ExitCode(exit_code)
        self.reason = reason
        self.summary = summary


def idlest_cores(count: int | None) -> tuple[int, ...]:
    """`count` of the cores that this process may use, those least busy now, None for all; () where none are pinned.

    Some systems pin no processes.
    """
    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):
        return ()
    allowed: list[int] = process.cpu_affinity()
    if count is None or count >= len(allowed):
        return tuple(sorted(allowed))
    busy = psutil.cpu_percent(BUSY_SECONDS, percpu=True)
    order = sorted(allowed, key=lambda core: busy[core] if core < len(busy) else 0.0)
    return tuple(sorted(order[:count]))


def bench_in_process(request: RunRequest, options: BenchOptions, cores: tuple[int, ...]) -> tuple[Summary, Path]:
    """Runs the benchmark in a fresh interpreter on `cores` (all, where empty).

    Returns its summary and the folder with its logs, which is the caller's to remove. Raises `ChildFailed`.
    """
    logs = Path(tempfile.mkdtemp(prefix="npu-adapt-bench-"))
    call = Call(
        "bench",
        {
            "request": replace(request, logs=logs),
            "measured": options,
            "fresh": FreshProcesses(),  # it is one
            "output": {"json": True, "quiet": True},  # the record on stdout, or the error
        },
    )
    try:
        return _summary_of(*_run(call, cores), logs), logs
    except BaseException:
        shutil.rmtree(logs, ignore_errors=True)
        raise


def _run(call: Call, cores: tuple[int, ...]) -> tuple[int, bytes, bytes]:
    """Exit code, stdout and stderr. An interrupt reaches the child as well, which is waited for."""
    if handover := os.environ.get(HANDOVER_VARIABLE):
        Path(handover).unlink(missing_ok=True)  # the run that is going on is the one to be handed over
    with pinned(cores):
        child = call.start(env=child_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with child:
        try:
            stdout, stderr = child.communicate()
        except BaseException:
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                child.wait(5)
            child.kill()
            child.wait()  # leaving the context after an interrupt would wait for a moment only
            raise
    return child.returncode, stdout, stderr


@contextmanager
def pinned(cores: tuple[int, ...]) -> Iterator[None]:
    """Within it, this thread and the processes that it starts run on `cores` only; on any, where empty."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _summary_of(code: int, stdout: bytes, stderr: bytes, logs: Path) -> Summary:
    if code in (ExitCode.PASSED, ExitCode.VERDICT_FAILED):
        return decode(stdout, origin="the fresh process")
    kept = Logs(logs).read_if_ours()
    with suppress(msgspec.DecodeError, KeyError, TypeError, ValueError):
        error = msgspec.json.decode(stdout)["error"]
        values = {name: error[name] for name in ("stage", "class", "message") if name in error}
        reason = Fact("row-failed" if "stage" in values else "row-refused", values)
        raise ChildFailed(
            error["message"], hint=error["hint"], exit_code=error["exit_code"], reason=reason, summary=kept
        )
    last = (stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
    name = signal.Signals(-code).name if code < 0 else ""
    ended = (
        Sentence("the fresh process ended by {signal}", signal=name)
        if name
        else Sentence("the fresh process ended with exit code {code}", code=code)
    )
    reason = Fact("process-killed", {"signal": name}) if name else Fact("process-ended", {"exit_code": code})
    raise ChildFailed(
        Sentence("{ended}: {last}", ended=ended, last=last) if last else ended,
        hint="run it without --isolate to see all that it prints; a process ended by SIGKILL was mostly out of memory",
        exit_code=ExitCode.RUN_FAILED,
        reason=reason,
        summary=kept,
    )
