"""What Huawei's msprobe does for the question of `compare`: two dumps of every tensor, and their comparison.

    python tests/benchmarks/msprobe_compare.py DIRECTORY IMAGE

In the environment that has it (`peers.py`). Each dump is a process, as on two machines; all is written below the
working directory. Prints how much that was.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def dump(directory: str, image: str, folder: str) -> None:
    """One forward, every API's tensors written to `folder`."""
    import torch
    from msprobe.pytorch import PrecisionDebugger  # type: ignore[import-not-found]
    from PIL import Image
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    config = Path(f"{folder}.json")
    config.write_text(
        json.dumps({"task": "tensor", "dump_path": folder, "rank": [], "step": [], "level": "L1", "tensor": {}}),
        encoding="utf-8",
    )
    module = AutoModelForImageClassification.from_pretrained(directory).eval()
    pixels = AutoImageProcessor.from_pretrained(directory)(Image.open(image).convert("RGB"), return_tensors="pt")
    debugger = PrecisionDebugger(config_path=str(config))
    with torch.inference_mode():
        debugger.start(model=module)
        module(**pixels)
        debugger.stop()
        debugger.step()


def main(directory: str, image: str) -> None:
    here = Path.cwd()
    for name in ("device", "reference"):
        subprocess.run([sys.executable, __file__, directory, image, str(here / name)], check=True)
    device, reference = (next((here / name).rglob("dump.json")) for name in ("device", "reference"))
    script = "import sys; sys.argv[0] = 'msprobe'; from msprobe.msprobe import main; main()"
    options = ["compare", "-tp", str(device), "-gp", str(reference), "-o", str(here / "result")]
    subprocess.run([sys.executable, "-c", script, *options], check=True)
    if not any((here / "result").iterdir()):
        raise SystemExit("msprobe wrote no comparison")
    print(sum(file.stat().st_size for file in (*device.parent.rglob("*"), *reference.parent.rglob("*"))), "bytes")


if __name__ == "__main__":
    (dump if len(sys.argv) == 4 else main)(*sys.argv[1:])
