"""A command that is killed leaves no process of its own behind."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil
import pytest

from npu_adapt.evidence import LOG_FILES
from tests.commands import CONSOLE_SCRIPT, running

MEASURES_FOR_LONG = ("bench", "builtin:digits-vit", "--device", "cpu", "--iters", "1000000", "--threads", "1")


def is_measuring(folder: Path) -> bool:
    logs = [path.read_text() for path in folder.glob(f"**/history/*/{LOG_FILES['run']}")]
    return any("reference state=end" in text for text in logs)


def is_over(process: psutil.Process) -> bool:
    """Ended, though perhaps nobody has asked for its exit code."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM], ids=lambda sent: sent.name)
@pytest.mark.parametrize("option", [("--timeout", "900"), ("--isolate",)], ids=lambda option: option[0])
def test_a_killed_command_takes_its_process_along(
    tmp_path: Path, option: tuple[str, ...], sent: signal.Signals
) -> None:
    command = [CONSOLE_SCRIPT, *MEASURES_FOR_LONG, *option, "--logs", tmp_path / "logs"]
    with running(command, {"TMPDIR": str(tmp_path)}) as process:
        until = time.monotonic() + 300
        while not is_measuring(tmp_path):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        (child,) = psutil.Process(process.pid).children()
        process.send_signal(sent)
        assert process.wait(30) == -sent
        until = time.monotonic() + 30
        while not is_over(child):
            assert time.monotonic() < until
            time.sleep(0.1)
