"""A model, its one input and so many forwards, with nothing around: what a forward costs is the difference of two runs.

    python tests/benchmarks/bare_forwards.py DIRECTORY COUNT [IMAGE]

In the checkpoint's own type. With an image an image classifier is read, else a language model and one short text.
"""

from __future__ import annotations

import os
import sys

os.environ["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see tests/conftest.py

import torch  # noqa: E402

TEXT = "The river runs quietly to the sea."


def main(directory: str, count: str, *image: str) -> None:
    if image:
        from PIL import Image
        from transformers import AutoImageProcessor, AutoModelForImageClassification

        module = AutoModelForImageClassification.from_pretrained(directory).eval()
        picture = Image.open(image[0]).convert("RGB")
        inputs = AutoImageProcessor.from_pretrained(directory)(picture, return_tensors="pt")
    else:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        module = AutoModelForCausalLM.from_pretrained(directory, dtype="auto").eval()
        inputs = AutoTokenizer.from_pretrained(directory)(TEXT, return_tensors="pt")
    with torch.inference_mode():
        for _ in range(int(count)):
            module(**inputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
