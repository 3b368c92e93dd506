"""A benchmark in fresh processes: nothing left over touches the figure, and a crash is a failed run."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from npu_adapt.errors import ExitCode, NpuAdaptError, RunFailed
from npu_adapt.records import Summary, decode

BUSY_SECONDS = 0.2  # over which the idlest cores are chosen


class ChildFailed(NpuAdaptError):
    """A fresh process ended as the command itself would have: with its message, hint and exit code."""

    def __init__(self, message: str, *, hint: str, exit_code: int) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = ExitCode(exit_code)


def idlest_cores(count: int) -> tuple[int, ...]:
    """`count` of the cores that this process may use, those least busy now; () where the system pins no processes."""
    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):
        return ()
    allowed: list[int] = process.cpu_affinity()
    busy = psutil.cpu_percent(BUSY_SECONDS, percpu=True)
    order = sorted(allowed, key=lambda core: busy[core] if core < len(busy) else 0.0)
    return tuple(sorted(order[:count]))


def bench_in_process(arguments: Sequence[str], cores: tuple[int, ...]) -> tuple[Summary, Path]:
    """Runs `npu-adapt bench` with `arguments` in a fresh interpreter on `cores` (all, where empty).

    Returns its summary and the folder with its logs, which is the caller's to remove. Raises `ChildFailed` for what
    the child reported, `RunFailed` where it died.
    """
    logs = Path(tempfile.mkdtemp(prefix="npu-adapt-bench-"))
    command = [sys.executable, "-m", "npu_adapt", "bench", *arguments, "--json", "--quiet", "--logs", str(logs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            if cores:
                with suppress(psutil.Error):
                    psutil.Process(child.pid).cpu_affinity(list(cores))
            stdout, stderr = child.communicate()
        except BaseException:
            child.kill()
            raise
    if child.returncode in (ExitCode.PASSED, ExitCode.VERDICT_FAILED):
        return decode(stdout, origin="the fresh process"), logs
    raise _failure_of(child.returncode, stdout, stderr.decode(errors="replace"))


def _failure_of(code: int, stdout: bytes, stderr: str) -> NpuAdaptError:
    with suppress(msgspec.DecodeError, KeyError, TypeError, ValueError):
        error = msgspec.json.decode(stdout)["error"]
        return ChildFailed(error["message"], hint=error["hint"], exit_code=error["exit_code"])
    last = (stderr.strip().splitlines() or ["it said nothing"])[-1]
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return RunFailed(
        f"the fresh process ended {how}: {last}",
        hint="run it without --isolate to see all that it prints",
        stage="measure",
        kind="crash",
    )
