"""A time limit that holds whatever the run is stuck in: the run is a child process, and its parent keeps the clock."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from npu_adapt.errors import RunFailed, Sentence
from npu_adapt.evidence import Journal, Logs, failure_of, read_summary
from npu_adapt.workflows.processes.call import Call
from npu_adapt.workflows.processes.children import child_environment

HANDOVER_VARIABLE = "NPU_ADAPT_HANDOVER"  # where the child links the folder of its run


FAREWELL_SECONDS = 10.0  # for one that was asked to end

Child = subprocess.Popen[bytes]


def _nothing(child: Child) -> None:
    pass


def run_with_deadline(
    call: Call,
    seconds: float | None,
    logs: Path,
    *,
    variables: Mapping[str, str] | None = None,
    started: Callable[[Child], None] = _nothing,
    **options: Any,
) -> int:
    """The exit code of the command that `call` names, run as a child process that has `seconds`; None: no limit.

    `variables` are added to its environment, `options` are those of `subprocess.Popen`; `started` gets the child, which
    leads a process group of its own. Raises `RunFailed` (class "timeout") when its time is over; the child and its
    children are killed, and the record that the child kept of itself is published with that failure.
    """
    with tempfile.TemporaryDirectory(prefix="npu-adapt-") as scratch:
        handover = Path(scratch) / "run"
        environment = child_environment(**(variables or {}), **{HANDOVER_VARIABLE: str(handover)})
        child = call.start(env=environment, start_new_session=True, **options)
        started(child)
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            kill_group(child)
            error = RunFailed(
                Sentence("the run was not over after {seconds:g} s", seconds=seconds),
                hint="allow more with --timeout; the log says which stage it was in",
                stage=_stage(handover),
                kind="timeout",
            )
            _publish(handover, logs, error)
            raise error from None
        except KeyboardInterrupt:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGINT)
            try:
                child.wait(FAREWELL_SECONDS)
            except subprocess.TimeoutExpired:  # within a library that looks for no interrupt
                kill_group(child)
            raise


def kill_group(child: Child) -> None:
    """Ends the child and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):  # within a call of a driver not even this ends it
        child.wait(FAREWELL_SECONDS)


def _stage(handover: Path) -> str:
    summary_path = handover / "summary.json"
    if not summary_path.exists():
        return "start"
    run = read_summary(summary_path).run
    return run.failure.stage if run is not None and run.failure is not None else "end"


def _publish(handover: Path, logs: Path, error: RunFailed) -> None:
    """Publishes the killed child's own record, its failure replaced by the time-out."""
    if not (handover / "summary.json").exists():
        return
    folder = handover.resolve()
    summary = read_summary(folder / "summary.json")
    assert summary.run is not None
    run = msgspec.structs.replace(summary.run, status="FAILED", failure=failure_of(error))
    with Journal(Logs(logs), folder) as journal:
        journal.event("run", "failed", "error", **{"stage": error.stage, "class": error.kind, "message": error.message})
        journal.publish(msgspec.structs.replace(summary, run=run))
