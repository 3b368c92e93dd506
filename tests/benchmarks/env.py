"""What `npu-adapt env` costs beside the import that it cannot do without, and when its static part is on the screen.

    python -m tests.benchmarks.env [--rounds 11]

Without torch_npu the import is `import torch`; with it, on the software CANN of the tests, `import torch, torch_npu`.
Exits with 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.alternating import Contender, Limit, measure, show
from tests.installs import make_install
from tests.softcann import build
from tests.softcann.fixtures import environment

WHOLE = 1.15  # times the import
STATIC_SECONDS = 0.3
LIMITS = (
    Limit("env, no torch_npu", "import torch", "median_seconds", WHOLE),
    Limit("env, software NPU", "import torch, torch_npu", "median_seconds", WHOLE),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        os.environ |= {"NPU_ADAPT_LOGS": str(cwd / "logs"), "COLUMNS": "80"}
        python = str(make_install(cwd / "without", without=["torch_npu"]).python)
        env = (python, "-m", "npu_adapt", "env")
        npu = environment(build.installation())
        contenders = (
            Contender("import torch", (python, "-c", "import torch")),
            Contender("env, no torch_npu", env),
            Contender("import torch, torch_npu", (sys.executable, "-c", "import torch, torch_npu"), npu),
            Contender("env, software NPU", (sys.executable, "-m", "npu_adapt", "env"), npu),
        )
        holds = show("npu-adapt env", measure(contenders, rounds=rounds, cwd=cwd), LIMITS)
        first = statistics.median(seconds_to_static_part(env, cwd) for _ in range(rounds))
    on_time = first <= STATIC_SECONDS
    print(
        f"static part on the screen after {first:.3f} s, limit {STATIC_SECONDS} s: {'holds' if on_time else 'EXCEEDED'}"
    )
    return 0 if holds and on_time else 1


def seconds_to_static_part(command: tuple[str, ...], cwd: Path) -> float:
    """From the process's start to the last line of what needs no answer, as a terminal would get it."""
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        seen = b""
        while b"Platform" not in seen:
            block = os.read(process.stdout.fileno(), 1 << 16)
            if not block:
                raise RuntimeError(f"no static part: {seen.decode()}")
            seen += block
        seconds = time.perf_counter() - started
        process.communicate()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
