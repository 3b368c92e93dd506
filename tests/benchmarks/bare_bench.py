"""The least that a latency can cost: what `bench --device cpu` is measured against.

    python tests/benchmarks/bare_bench.py DIRECTORY FORWARDS

Imports, loads the weights, runs the forwards and prints their median in milliseconds. No reference, no proof of the
weights, no interval, no warning, no evidence. The model is a text encoder or a classifier of 224 x 224 pictures.
"""

from __future__ import annotations

import os
import statistics
import sys
import time

os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see tests/conftest.py

import torch  # noqa: E402
from transformers import AutoConfig, AutoModel, AutoModelForImageClassification  # noqa: E402


def main(directory: str, forwards: str) -> None:
    if hasattr(AutoConfig.from_pretrained(directory), "vocab_size"):
        module, inputs = AutoModel.from_pretrained(directory), {"input_ids": torch.arange(1000, 1016)[None]}
    else:
        module = AutoModelForImageClassification.from_pretrained(directory)
        inputs = {"pixel_values": torch.rand(1, 3, 224, 224)}
    module.eval()
    samples = []
    with torch.inference_mode():
        for _ in range(int(forwards)):
            started = time.perf_counter()
            module(**inputs)
            samples.append(1e3 * (time.perf_counter() - started))
    print(f"{statistics.median(samples):.3f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
