"""What a whole `npu-adapt compare --fast --device cpu` of a ViT-B/16 costs beside a bare script that does the least.

    python -m tests.benchmarks.compare_fast [--rounds 5]

346 MB of weights, one photograph, both processes with the same number of threads. The bare script is
`bare_compare.py`. Exits with 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from importlib import resources
from pathlib import Path

from tests.benchmarks.alternating import Contender, Limit, measure, show
from tests.real_models import store

BARE = Path(__file__).with_name("bare_compare.py")
NPU_ADAPT = Path(sys.executable).with_name("npu-adapt")
LIMITS = (
    Limit("compare --fast", "bare script", "median_seconds", 1.15),
    Limit("compare --fast", "bare script", "median_peak_bytes", 1.25),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    model = str(store.model("vit-b16"))
    image = str(resources.files("sklearn.datasets") / "images" / "china.jpg")
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        os.environ |= {
            "NPU_ADAPT_LOGS": str(cwd / "logs"),
            "NPU_ADAPT_CACHE": str(cwd / "cache"),
            "HF_HUB_OFFLINE": "1",
        }
        compare = (str(NPU_ADAPT), "compare", model, "--fast", "--device", "cpu", "--input", image)
        contenders = (
            Contender("bare script", (sys.executable, str(BARE), model, image)),
            Contender("compare --fast", compare),
        )
        measured = measure(contenders, rounds=rounds, cwd=cwd)
    return 0 if show("compare --fast of a ViT-B/16", measured, LIMITS) else 1


if __name__ == "__main__":
    sys.exit(main())
