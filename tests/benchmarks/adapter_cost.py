"""What `npu-adapt compare` of an adapter costs beside the same module as a checkpoint.

    python -m tests.benchmarks.adapter_cost [--rounds 3] [--fast]

A ViT-B/16 with 346 MB of weights and one photograph: as a folder of transformers, as an adapter that calls
`from_pretrained` on that folder, and as one that loads the state dict it is given into a module without values. The
whole verdict, or with --fast one forward a side. Exits with 1 when a limit is exceeded.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

from tests.benchmarks.alternating import Contender, Limit, measure, show
from tests.real_models import store

NPU_ADAPT = Path(sys.executable).with_name("npu-adapt")
INPUTS = """

def inputs(values):
    from PIL import Image
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(FOLDER, use_fast=False)
    return {**processor(Image.open(values[0]).convert("RGB"), return_tensors="pt")}


def outputs(result):
    return {"class_scores": result.logits}
"""
BY_PATH = """
from transformers import ViTForImageClassification


def model(weights):
    return ViTForImageClassification.from_pretrained(weights.path)
"""
BY_STATE = """
import torch
from transformers import AutoConfig, ViTForImageClassification


def model(weights):
    with torch.device("meta"):
        net = ViTForImageClassification(AutoConfig.from_pretrained(FOLDER))
    net.load_state_dict(weights, assign=True)
    return net
"""
# Its names in a file are older ones than in the module: the plain state dict is saved anew.
SAVE = """
import sys
sys.modules["torch_npu"] = None
from safetensors.torch import save_file
from transformers import ViTForImageClassification

save_file(ViTForImageClassification.from_pretrained(sys.argv[1]).state_dict(), sys.argv[2])
"""
MOST = 1.10
LIMITS = tuple(
    Limit(adapter, "checkpoint", figure, ratio)
    for adapter in ("adapter by path", "adapter by state")
    for figure, ratio in (("median_seconds", MOST), ("median_peak_bytes", 1.25))
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    model = store.model("vit-b16")
    image = str(resources.files("sklearn.datasets") / "images" / "china.jpg")
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        os.environ |= {
            "NPU_ADAPT_LOGS": str(cwd / "logs"),
            "NPU_ADAPT_CACHE": str(cwd / "cache"),
            "HF_HUB_OFFLINE": "1",
        }
        for name, text in (("by_path.py", BY_PATH), ("by_state.py", BY_STATE)):
            (cwd / name).write_text(f"FOLDER = {str(model)!r}\n{text}{INPUTS}")
        state = cwd / "state.safetensors"
        subprocess.run((sys.executable, "-c", SAVE, str(model), str(state)), check=True)
        rest = ("--device", "cpu", "--input", image, *(("--fast",) if options.fast else ()))
        compare = (str(NPU_ADAPT), "compare")
        contenders = (
            Contender("checkpoint", (*compare, str(model), *rest)),
            Contender("adapter by path", (*compare, "by_path.py", "--weights", str(model), *rest)),
            Contender("adapter by state", (*compare, "by_state.py", "--weights", str(state), *rest)),
        )
        measured = measure(contenders, rounds=options.rounds, cwd=cwd)
    what = "compare --fast" if options.fast else "compare"
    return 0 if show(f"{what} of a ViT-B/16 as a checkpoint and as an adapter", measured, LIMITS) else 1


if __name__ == "__main__":
    sys.exit(main())
