"""What start-up costs: `--help` and `--version` against an empty Typer application, `report` and `models list` against
`--help`.

    python -m tests.benchmarks.startup [--rounds 15]

The empty application has the same seven commands, each a function without a parameter, and imports nothing else: it is
what Typer and Rich cost by themselves. Exits with 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.alternating import Contender, Limit, measure, show

EMPTY_APPLICATION = '''"""An application that has npu-adapt's commands and does nothing."""
import typer

app = typer.Typer(name="empty", no_args_is_help=True, pretty_exceptions_enable=False)


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo("empty 0")
        raise typer.Exit


@app.callback()
def empty(version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True)) -> None:
    """Does nothing."""


@app.command()
def env() -> None:
    """Does nothing."""


@app.command()
def fetch() -> None:
    """Does nothing."""


@app.command()
def infer() -> None:
    """Does nothing."""


@app.command()
def bench() -> None:
    """Does nothing."""


@app.command()
def compare() -> None:
    """Does nothing."""


@app.command()
def report() -> None:
    """Does nothing."""


@app.command()
def models() -> None:
    """Does nothing."""


if __name__ == "__main__":
    app()
'''
NPU_ADAPT = Path(sys.executable).with_name("npu-adapt")
LIMITS = (
    Limit("--help", "empty --help", "median_seconds", 1.15),
    Limit("--version", "empty --version", "median_seconds", 1.15),
    Limit("report", "--help", "median_seconds", 2.0),
    Limit("models list", "--help", "median_seconds", 2.0),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        empty = cwd / "empty.py"
        empty.write_text(EMPTY_APPLICATION, encoding="utf-8")
        # The same kind of start as npu-adapt's console script: a short file that imports a module with its bytecode.
        start = (sys.executable, "-c", "import sys; sys.path.insert(0, '.'); from empty import app; app()")
        os.environ |= {"NPU_ADAPT_LOGS": str(cwd / "logs"), "NPU_ADAPT_CACHE": str(cwd / "cache"), "COLUMNS": "80"}
        # A summary to report on.
        subprocess.run(
            [NPU_ADAPT, "compare", "builtin:digits-vit", "--device", "cpu", "--fast", "--quiet"], cwd=cwd, check=True
        )
        script = str(NPU_ADAPT)
        contenders = (
            Contender("empty --help", (*start, "--help")),
            Contender("--help", (script, "--help")),
            Contender("empty --version", (*start, "--version")),
            Contender("--version", (script, "--version")),
            Contender("report", (script, "report")),
            Contender("models list", (script, "models", "list")),
        )
        return 0 if show("start-up", measure(contenders, rounds=rounds, cwd=cwd), LIMITS) else 1


if __name__ == "__main__":
    sys.exit(main())
