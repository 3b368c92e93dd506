"""What the whole verdict on a ViT-B/16 costs: in forwards of the CPU, and in memory beside a bare script.

    python -m tests.benchmarks.verdict_cost [--rounds 3]

`npu-adapt compare --device cpu` with everything (probe, float64, noise floor, every operator alone, both sides in step)
beside `compare --fast`, which has none of it, and beside `bare_compare.py`. The verdict's time is the difference of the
first two; a forward's is what the first one recorded of its own warm forwards. On an accelerator the replays run there.
In turns with them runs what Huawei's msprobe does for the same question: two dumps of all tensors and their comparison.
Exits with 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from importlib import resources
from pathlib import Path

from tests.benchmarks import peers
from tests.benchmarks.alternating import Contender, Limit, measure, show
from tests.real_models import store

BARE = Path(__file__).with_name("bare_compare.py")
NPU_ADAPT = Path(sys.executable).with_name("npu-adapt")
MOST_FORWARDS = 30.0
LIMITS = (
    Limit("compare", "bare script", "median_peak_bytes", 1.5),
    Limit("compare", "msprobe", "median_seconds", 1 / 3),
)
MSPROBE = Path(__file__).with_name("msprobe_compare.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    model = str(store.model("vit-b16"))
    image = str(resources.files("sklearn.datasets") / "images" / "china.jpg")
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        os.environ |= {"NPU_ADAPT_CACHE": str(cwd / "cache"), "HF_HUB_OFFLINE": "1"}
        compare = (str(NPU_ADAPT), "compare", model, "--device", "cpu", "--input", image)
        contenders = (
            Contender("bare script", (sys.executable, str(BARE), model, image)),
            Contender("compare --fast", (*compare, "--fast"), {"NPU_ADAPT_LOGS": str(cwd / "fast")}),
            Contender("compare", compare, {"NPU_ADAPT_LOGS": str(cwd / "whole")}),
            Contender(
                "msprobe",
                (str(peers.environment(peers.MSPROBE)), str(MSPROBE), model, image),
                prepare=lambda: _emptied(cwd),
            ),
        )
        measured = measure(contenders, rounds=rounds, cwd=cwd)
        forwards = [
            json.loads(path.read_text())["run"]["timings_ms"]["warm_forward"] / 1e3
            for path in (cwd / "whole" / "history").glob("*/summary.json")
        ]
    holds = show("the whole verdict on a ViT-B/16", measured, LIMITS)
    forward = statistics.median(forwards)
    verdict = measured["compare"].median_seconds - measured["compare --fast"].median_seconds
    count = verdict / forward
    print(f"verdict {verdict:.2f} s = {count:.1f} forwards of {1e3 * forward:.0f} ms (limit {MOST_FORWARDS:g})")
    return 0 if holds and count <= MOST_FORWARDS else 1


def _emptied(folder: Path) -> None:
    """Removes what msprobe wrote the last time."""
    for name in ("device", "reference", "result"):
        shutil.rmtree(folder / name, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
