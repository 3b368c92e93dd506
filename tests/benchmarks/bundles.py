"""Whether a reader who has only a bundle gets the report's figures: its scripts in a new virtual environment.

`python -m tests.benchmarks.bundles [NAME …]`; left out: tiny models of different tasks, an adapter, and one
whose weights travel in its bundle. The environment holds what the bundles' requirements.txt name and nothing else.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import torch

from npu_adapt.devices.hiding import unopened_extensions_hidden
from npu_adapt.evidence import Logs
from npu_adapt.progress import Silent
from npu_adapt.workflows.bundle.command import bundle
from npu_adapt.workflows.run.infer import infer
from npu_adapt.workflows.run.request import RunRequest
from tests.adapters.make import FILES, weights_of
from tests.adapters.make import MODELS as ADAPTERS
from tests.models.tiny_models import MAKERS

BUILTIN = "builtin:digits-vit"
TASKS = (
    "vit", "yolos", "bert-classes", "bert-mask", "llama", "wav2vec2", "depth-anything", "sentences", "whisper", "vits",
    "layoutlmv3", "resnet.py",
)  # fmt: skip
SCRIPTS = (("inference.py",), ("eval/eval_accuracy.py",), ("eval/eval_performance.py", "--iters", "5"))


def main() -> None:
    names = sys.argv[1:] or [BUILTIN, *TASKS]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        made = {name: written(place, name) for name in names}
        started = time.perf_counter()
        venv.create(place / "new", with_pip=True)
        python = str(place / "new" / "bin" / "python")
        for one in made.values():
            run([python, "-m", "pip", "install", "-q", "-r", str(one / "requirements.txt")], place)
        print(f"installed the requirements of {len(made)} bundles in {time.perf_counter() - started:.0f} s")
        for name, one in made.items():
            for script in SCRIPTS:
                run([python, str(one / script[0]), *script[1:]], place)
            results = {
                each: json.loads((one / "results" / f"{each}.json").read_text()) for each in ("inference", "accuracy")
            }
            same, error = results["inference"]["same_as_reported"], results["accuracy"]["relative_l2"]
            print(f"{name:16} the same as reported, to the bit: {same}; relative L2 against the CPU {error}")


def written(folder: Path, name: str) -> Path:
    """The bundle of a run of that model on the CPU."""
    torch.manual_seed(0)
    plain = name.replace(":", "-")
    weights = weights_of(name, folder) if name in ADAPTERS else None
    with unopened_extensions_hidden():  # transformers imports torch_npu wherever it is installed
        made = FILES / name if weights is not None else None if name == BUILTIN else MAKERS[name][0](folder / plain)
    model = name if made is None else str(made)
    logs = folder / f"{plain}-logs"
    request = RunRequest(
        command="infer", command_line=f"npu-adapt infer {model} --device cpu", model=model, device="cpu", logs=logs,
        weights=weights, cache_dir=folder / "cache",
    )  # fmt: skip
    bundle(infer(request, Silent()), Logs(logs), folder / f"{plain}-bundle", "contest", "en")
    return folder / f"{plain}-bundle"


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )


if __name__ == "__main__":
    main()
