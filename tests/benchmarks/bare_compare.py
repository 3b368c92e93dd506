"""The least that a comparison can cost: what `compare --fast --device cpu` is measured against.

    python tests/benchmarks/bare_compare.py DIRECTORY IMAGE

Imports, loads the weights once, keeps a second copy as the device's, prepares the image, runs the two forwards and
prints how far they are apart. No proof of the weights, no hash, no evidence, no report.
"""

from __future__ import annotations

import copy
import os
import sys

os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see tests/conftest.py

import torch  # noqa: E402
from PIL import Image  # noqa: E402
from transformers import AutoImageProcessor, AutoModelForImageClassification  # noqa: E402


def main(directory: str, image: str) -> None:
    reference = AutoModelForImageClassification.from_pretrained(directory).eval()
    candidate = copy.deepcopy(reference)
    pixels = AutoImageProcessor.from_pretrained(directory)(Image.open(image).convert("RGB"), return_tensors="pt")
    with torch.inference_mode():
        expected = reference(**pixels).logits
        found = candidate(**pixels).logits
    print(f"max_abs_diff {float((found - expected).abs().max())}")


if __name__ == "__main__":
    main(*sys.argv[1:])
