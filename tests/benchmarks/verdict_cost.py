"""What the whole verdict costs: in forwards of the CPU, in memory beside a bare script, in time beside msprobe.

    python -m tests.benchmarks.verdict_cost [--rounds 3] [--model vit|smollm2|DIRECTORY] [--threads N]

`npu-adapt compare --device cpu` with everything (probe, truth, noise floor, every operator alone and again with whole
numbers) beside `compare --fast`, which has none of it: the verdict is the difference of the two. A forward is measured
by a bare script with one and with `FORWARDS`. All of it in CPU seconds, which other processes on the machine disturb
little where `--threads 1` leaves no thread waiting for another. On an accelerator the replays run there.

For the ViT-B/16 the bare script of a comparison and what Huawei's msprobe does for the same question run in turns with
them: two dumps of all tensors and their comparison. Without it, DIRECTORY is a language model's; `memory.py --keep`
makes one of any size. All but msprobe run in a new environment that has this checkout as a user installs it: what
transformers finds beside it, it imports. Exits with 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from importlib import resources
from pathlib import Path

from tests.benchmarks import peers
from tests.benchmarks.alternating import Contender, Limit, Measured, measure, show
from tests.real_models import store

HERE = Path(__file__).parent
FORWARDS = 11
MOST_FORWARDS = {"vit": 20.0}
MOST_FORWARDS_OF_TEXT = 25.0
LIMITS = (
    Limit("compare", "bare script", "median_peak_bytes", 1.1),
    Limit("compare", "msprobe", "median_cpu_seconds", 0.33),
    Limit("compare --fast", "bare script", "median_cpu_seconds", 1.1),
)
# With as many threads as torch takes: four times as fast, and what one run differs from another.
ON_THE_WALL = Limit("compare", "msprobe", "median_seconds", 0.26)
TEXT = "The river runs quietly to the sea."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="vit")
    parser.add_argument("--threads", type=int, help="of each process; left out, as many as torch takes")
    options = parser.parse_args()
    name = options.model
    model = str(store.model({"vit": "vit-b16"}.get(name, name)) if name in ("vit", "smollm2") else Path(name).resolve())
    os.environ |= {"HF_HUB_OFFLINE": "1"} | ({"OMP_NUM_THREADS": str(options.threads)} if options.threads else {})
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as installed:
        cwd, python = Path(folder), peers.npu_adapt(Path(installed))
        os.environ["NPU_ADAPT_CACHE"] = str(cwd / "cache")
        image = str(resources.files("sklearn.datasets") / "images" / "china.jpg") if name == "vit" else None
        contenders = (*_own(python, model, image, cwd), *(() if image is None else _others(python, model, image, cwd)))
        measured = measure(contenders, rounds=options.rounds, cwd=cwd)
    limits = () if image is None else LIMITS if options.threads else (*LIMITS, ON_THE_WALL)
    holds = show(f"the whole verdict on {name}", measured, limits)
    return 0 if _forwards(measured, MOST_FORWARDS.get(name, MOST_FORWARDS_OF_TEXT)) and holds else 1


def _own(python: Path, model: str, image: str | None, folder: Path) -> tuple[Contender, ...]:
    """The whole comparison, the fast one, and bare forwards in the same type."""
    compare = (str(python.with_name("npu-adapt")), "compare", model, "--device", "cpu", "--input", image or TEXT)
    forwards = (str(python), str(HERE / "bare_forwards.py"), model)
    pictures = () if image is None else (image,)
    return (
        Contender("one forward", (*forwards, "1", *pictures)),
        Contender("forwards", (*forwards, str(FORWARDS), *pictures)),
        Contender("compare --fast", (*compare, "--fast"), {"NPU_ADAPT_LOGS": str(folder / "fast")}, accepted=(0, 3)),
        Contender("compare", compare, {"NPU_ADAPT_LOGS": str(folder / "whole")}),
    )


def _others(python: Path, model: str, image: str, folder: Path) -> tuple[Contender, ...]:
    """The least that a comparison can cost, and another tool's."""
    msprobe = (str(peers.environment(peers.MSPROBE)), str(HERE / "msprobe_compare.py"), model, image)
    return (
        Contender("bare script", (str(python), str(HERE / "bare_compare.py"), model, image)),
        Contender("msprobe", msprobe, prepare=lambda: _emptied(folder)),
    )


def _forwards(measured: dict[str, Measured], limit: float) -> bool:
    """Whether the verdict takes no more forwards than that; says how many."""
    one, many, fast, whole = (
        measured[name].median_cpu_seconds for name in ("one forward", "forwards", "compare --fast", "compare")
    )
    forward = (many - one) / (FORWARDS - 1)
    count = (whole - fast) / forward
    print(f"verdict {whole - fast:.2f} CPU s = {count:.1f} forwards of {1e3 * forward:.0f} ms (limit {limit:g})")
    return count <= limit


def _emptied(folder: Path) -> None:
    """Removes what msprobe wrote the last time."""
    for name in ("device", "reference", "result"):
        shutil.rmtree(folder / name, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
