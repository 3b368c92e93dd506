"""A script of Python in a process of its own, as its reader will run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from npu_adapt.workflows.processes.children import child_environment

# The script takes the place of a process that ends with this one; what it imports is its own.
_START = """
import os, sys
from npu_adapt.workflows.processes.children import end_with_parent
end_with_parent()
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def run_script(script: Path, *arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Runs a script in its own folder; what it says is text. Raises `subprocess.TimeoutExpired`."""
    return subprocess.run(
        [sys.executable, "-c", _START, str(script), *arguments],
        cwd=script.parent,
        env=child_environment(),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
