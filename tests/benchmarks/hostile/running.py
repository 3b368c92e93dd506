"""One odd input as a process of its own: what it is, how it is run, and how it ended."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HANGS_AFTER = 60.0  # seconds
ROOM = 1 << 20  # bytes that a command may say
MOST_MEMORY = 6 << 30  # bytes of address space beyond what the imports have taken
BUILTIN = "builtin:digits-vit"
CPU = ("--device", "cpu", "--quiet")
FAST = ("compare", BUILTIN, "--fast", *CPU)
CODES = (0, 2, 3, 4, 5, 6, 130)


@dataclass(frozen=True)
class Input:
    """One command line with what it meets; `prepare` makes that in the folder where the command then runs."""

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[Path], None] = lambda folder: None
    environment: Mapping[str, str | None] = field(default_factory=dict)  # None: not set
    before: Callable[[], None] = lambda: None  # in the process of the command, at its start: limits
    own_traceback: bool = False  # a file of the user's runs, whose traceback is shown with its error
    shell: str | None = None  # the whole command for sh, from a fresh interpreter; "$NPU" is the console script


@dataclass(frozen=True)
class Ending:
    """How it ended: the exit code, negative for a signal, None for a hang; and what is wrong with that."""

    code: int | None
    fault: str | None
    stderr: str
    seconds: float


def run(given: Input, folder: Path) -> Ending:
    """Prepares the input in `folder`, runs it, and says how it ended."""
    (folder / "home").mkdir(parents=True)
    given.prepare(folder)
    began = time.monotonic()
    heard = [_pipe() for _ in ("stdout", "stderr")]  # files would fall under the limits of an input
    child = os.fork()
    if child == 0:
        _become(given, folder, [writing for _, writing in heard])
    for _, writing in heard:
        os.close(writing)
    status = _wait(child, began + HANGS_AFTER)
    seconds = time.monotonic() - began
    stdout, stderr = (_all_of(reading) for reading, _ in heard)
    code = None if status is None else os.waitstatus_to_exitcode(status)
    return Ending(code, _fault(code, stdout + stderr, given), stderr, seconds)


def _fault(code: int | None, said: str, given: Input) -> str | None:
    if code is None:
        return "hang"
    if "Traceback (most recent call last)" in said and not (given.own_traceback and code in CODES):
        return "traceback"
    return None if code in CODES else f"exit {code}"


def _become(given: Input, folder: Path, streams: list[int]) -> None:
    """Turns this forked process into the command. Does not return."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        for number, stream in enumerate((os.open(os.devnull, os.O_RDWR), *streams)):
            os.dup2(stream, number)
        sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
        for name, value in {**environment(folder), **given.environment}.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        tempfile.tempdir = None  # the folder that was found for the parent
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY, used + MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        given.before()
        if given.shell is not None:
            os.execve("/bin/sh", ["sh", "-c", given.shell], {**os.environ, "NPU": console_script()})
        code = _main(given.arguments)
    except BaseException:  # noqa: BLE001 - what the interpreter would print
        import traceback

        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _main(arguments: tuple[str, ...]) -> int:
    from npu_adapt.cli.app import main

    sys.argv = ["npu-adapt", *arguments]
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def console_script() -> str:
    return str(Path(sys.executable).with_name("npu-adapt"))


def environment(folder: Path) -> dict[str, str]:
    """Folders of the command's own; everything else is this process's."""
    return {
        "HOME": str(folder / "home"),
        "HF_HOME": str(folder / "huggingface"),
        "MODELSCOPE_CACHE": str(folder / "modelscope"),
        "NPU_ADAPT_CACHE": str(folder / "registry"),
        "NPU_ADAPT_LOGS": str(folder / "logs"),
        "COLUMNS": "100",
    }


def _wait(child: int, until: float) -> int | None:
    """The child's status; None, and everything that it started killed, where it does not end in time."""
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            return status
        time.sleep(0.005)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, ROOM)
    os.set_blocking(reading, False)
    return reading, writing


def _all_of(reading: int) -> str:
    with os.fdopen(reading, "rb", buffering=0) as stream:
        return (stream.read(ROOM) or b"").decode(errors="replace")


def some(share: float, count: int) -> range:
    """The numbers of what is drawn: `share` of `count`, and at least one."""
    return range(max(1, round(share * count)))
