"""Running the installed `npu-adapt` as a user does: as a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT_IGNORES_MODES = ("dac_override", "dac_read_search", "fowner")  # Linux capabilities
CONSOLE_SCRIPT = Path(sys.executable).with_name("npu-adapt")


@dataclass(frozen=True)
class Finished:
    """What a process left behind. `code` is negative when a signal ended it."""

    code: int
    stdout: str
    stderr: str


def run_process(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str | None] | None = None,
    stdin: str = "",
    timeout: float = 180,
) -> Finished:
    """Run `command` to its end. Raises `subprocess.TimeoutExpired`, the process killed."""
    merged = dict(os.environ)
    for name, value in (environment or {}).items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=merged,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@contextmanager
def running(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """`command` while it runs, its streams piped; killed at the end if it has not ended by itself."""
    merged = {**os.environ, **(environment or {})}
    with subprocess.Popen(
        [str(part) for part in command], env=merged, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run_python(code: str, *, environment: Mapping[str, str | None] | None = None, timeout: float = 180) -> Finished:
    """Run `code` in a fresh interpreter of this environment."""
    return run_process([sys.executable, "-c", code], environment=environment, timeout=timeout)


@dataclass(frozen=True)
class Cli:
    """Runs `npu-adapt ARGUMENTS`, under `prefix` if there is one: a command that runs another."""

    prefix: tuple[str, ...] = ()

    def __call__(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        environment: Mapping[str, str | None] | None = None,
        stdin: str = "",
        timeout: float = 180,
    ) -> Finished:
        """`environment` is added to the test's own; a value of None takes a name away."""
        assert CONSOLE_SCRIPT.exists(), f"{CONSOLE_SCRIPT} is missing: pip install '.[test]' first"
        return run_process(
            [*self.prefix, CONSOLE_SCRIPT, *arguments], cwd=cwd, environment=environment, stdin=stdin, timeout=timeout
        )


@pytest.fixture(scope="session")
def cli() -> Cli:
    """The console script that was installed beside this interpreter."""
    return Cli()


@pytest.fixture(scope="session")
def as_nobody() -> Cli:
    """Like `cli`, for folders that are read-only, whose mode would not bind root.

    Where the tests run as root, the child keeps the user, who can then still read the interpreter and the package,
    and loses the capabilities that make root ignore permissions. Anybody else is bound already.
    """
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("the tests run as root, and setpriv (util-linux) is not there to take root's rights away")
        dropped = ",".join(f"-{capability}" for capability in ROOT_IGNORES_MODES)
        prefix = (setpriv, "--bounding-set", dropped, "--inh-caps", dropped)
    return Cli(prefix)
