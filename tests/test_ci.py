"""`.ci/run` runs every check in its order, and ends non-zero when any one of them does.

The programs it calls are stand-ins that write down how they were called.
"""

import os
from pathlib import Path

import pytest

from tests.commands import run_process

SCRIPT = Path(__file__).parents[1] / ".ci" / "run"

# `python3.11 -m venv DIR` puts the stand-in into DIR/bin under every name that is called there.
STAND_IN = """#!/bin/sh
call="$(basename "$0") $*"
echo "$call" >> "$CALLS"
case "$call" in
  "$FAILING") exit 7 ;;
  "python3.11 -m venv "*) mkdir -p "$3/bin" && for name in python ruff mypy; do cp "$0" "$3/bin/$name"; done ;;
esac
"""
CHECKS = [
    "python -m pip install --quiet --disable-pip-version-check .[test]",
    "ruff check .",
    "ruff format --check .",
    "mypy ",
    "python -m pytest",
    "python -m pip install --quiet --disable-pip-version-check .",
    "python -m tests.readme",
    "python -m pip install --quiet --disable-pip-version-check .[test] transformers==4.57.6",
    "python -m pytest -m core",
]


def run_ci(folder: Path, failing: str):
    for name in ("python3.11", "g++", "setpriv"):
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(STAND_IN, encoding="utf-8")
        program.chmod(0o755)
    calls = folder / "calls"
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "TMPDIR": str(folder),
        "CALLS": str(calls),
        "FAILING": failing,
    }
    done = run_process([SCRIPT], cwd=folder, environment=environment, timeout=30)
    lines = calls.read_text(encoding="utf-8").splitlines()
    return done, [line for line in lines if not line.startswith("python3.11")]


def test_every_check_is_run_in_its_order_and_timed(tmp_path):
    done, calls = run_ci(tmp_path, failing="nothing fails")
    assert done.code == 0, done.stderr
    assert calls == CHECKS
    assert done.stdout.rstrip().splitlines()[-1].startswith("=== core tests with transformers 4.57: ")
    assert list(tmp_path.glob("npu-adapt-ci.*")) == []


@pytest.mark.parametrize("position", range(len(CHECKS)), ids=CHECKS)
def test_a_check_that_fails_is_the_last_and_the_exit_code_says_so(tmp_path, position):
    done, calls = run_ci(tmp_path, failing=CHECKS[position])
    assert done.code == 7
    assert "Everything holds" not in done.stdout
    assert calls == CHECKS[: position + 1]
