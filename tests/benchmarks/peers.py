"""Other people's benchmarks, each in an environment of its own, made when it is asked for the first time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.real_models import store

CHECKOUT = Path(__file__).parents[2]
OPTIMUM = ("optimum-benchmark==0.6.0", "transformers==4.57.6", "torch>=2.6,<2.14")
MSPROBE = ("mindstudio-probe==26.2.0", "transformers==4.57.6", "torch>=2.6,<2.14", "pillow")
_CLI = "import sys; sys.argv[0] = 'optimum-benchmark'; from optimum_benchmark.cli import main; main()"
# Its documented example for a CPU: a fresh process, ten warm-up calls, then at least ten calls and ten seconds.
_SETTING = """
defaults: [benchmark, {{scenario: inference}}, {{launcher: process}}, {{backend: pytorch}}, _self_]
name: vit
scenario: {{latency: true, memory: false, input_shapes: {{batch_size: 1}}}}
backend: {{device: cpu, no_weights: false, model: "{model}", task: image-classification, library: transformers}}
"""


def optimum_benchmark(model: Path, folder: Path) -> float:
    """Wall seconds of optimum-benchmark from the shell to a latency of an image classifier; it writes in `folder`.

    Raises `store.Unreachable` where it cannot be installed, and `RuntimeError` with its output where it fails.
    """
    python = environment(OPTIMUM)
    (folder / "setting.yaml").write_text(_SETTING.format(model=model), encoding="utf-8")
    command = [str(python), "-c", _CLI, "--config-dir", str(folder), "--config-name", "setting"]
    variables = {**os.environ, "HF_HUB_OFFLINE": "1", "OVERRIDE_BENCHMARKS": "1"}
    variables.pop("PYTHONPATH", None)
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode or "latency" not in done.stdout + done.stderr:
        raise RuntimeError(f"optimum-benchmark ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return seconds


def environment(requirements: tuple[str, ...]) -> Path:
    """The interpreter of an environment that has them; its name is the first one's. Raises `store.Unreachable`."""

    folder = store.made_once(
        store.root() / requirements[0].replace("==", "-"), lambda partial: _install(requirements, partial)
    )
    return folder / "bin/python"


def npu_adapt(folder: Path) -> Path:
    """The interpreter of an environment made in `folder` that has this checkout as a user installs it.

    The tests' environment holds packages that transformers imports wherever it finds them, which would be timed too.
    Raises `store.Unreachable`.
    """
    _install((str(CHECKOUT),), folder)
    return folder / "bin/python"


def _install(requirements: tuple[str, ...], folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    store.pip(["--python", folder / "bin/python", "install", *requirements])
