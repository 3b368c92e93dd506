"""What a comparison says of a real model that was quantised: what that lost, and what the device adds.

    python -m tests.benchmarks.quantised [--kind NAME] [--tokens N]

SmolLM2-135M-Instruct is stored as compressed-tensors stores it, in each kind that the tests know, all 30 layers, and
judged on the CPU in bfloat16 against its dequantised weights, writing too. Then one block of scales of one layer is
shifted by a group, as a kernel would that reads those of the next row. Exits with 1 where a correct device fails, or
the wrong one passes or is not named.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0", "HF_HUB_OFFLINE": "1"}
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see tests/conftest.py

import torch  # noqa: E402

from npu_adapt.models.quantised.compressed import QuantisedModule, parts_of  # noqa: E402
from npu_adapt.progress import Silent  # noqa: E402
from npu_adapt.records import Compare  # noqa: E402
from npu_adapt.workflows.compare.command import compare  # noqa: E402
from npu_adapt.workflows.compare.options import CompareOptions  # noqa: E402
from npu_adapt.workflows.run.request import RunRequest  # noqa: E402
from tests.models.quantised_models import KINDS, quantised  # noqa: E402
from tests.real_models import store  # noqa: E402

WRONG = "model.layers.17.mlp.down_proj"


@contextmanager
def wrong_rows() -> Iterator[None]:
    """Within it the device dequantises rows of one layer with the scales of the rows after them."""
    plain = QuantisedModule.on

    def wrongly(self: QuantisedModule, device: torch.device) -> Any:
        made = plain(self, device)
        stored, weight = (dict(parts_of(module))[WRONG] for module in (self.module, made))
        scale = stored.weight_scale.to(weight.weight.dtype)
        rows = slice(0, 16)
        factor = scale.roll(-1, 0)[rows, :1] / scale[rows, :1]
        weight.weight.data[rows] *= factor
        return made

    QuantisedModule.on = wrongly  # type: ignore[method-assign]
    try:
        yield
    finally:
        QuantisedModule.on = plain  # type: ignore[method-assign]


def judged(model: Path, folder: Path, options: CompareOptions) -> Compare:
    request = RunRequest("compare", "", str(model), device="cpu", dtype="bfloat16", logs=folder / "logs", offline=True)
    found = compare(request, options, Silent()).compare
    assert found is not None and found.dequantised is not None
    return found


def examine(kind: str, base: Path, tokens: int) -> bool:
    """Whether the correct device of one kind passes, and the wrong one fails with its module."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, started = Path(scratch), time.perf_counter()
        model = quantised(folder / "model", kind, base)
        right = judged(model, folder, CompareOptions(generate=tokens, original=str(base)))
        assert right.dequantised is not None and right.quantisation_loss is not None
        with wrong_rows():
            wrong = judged(model, folder, CompareOptions(fast=True))
        named = [term.place for term in wrong.verdict.terms if term.id == "dequantised" and not term.holds]
        loss = {each.name: each.relative_l2 for each in right.quantisation_loss.outputs}
        over = {each.name: each.error_over_floor for each in right.outputs}
        print(f"{kind}: {'passed' if right.verdict.passed else 'FAILED'}, {right.dequantised.modules} modules,")
        print(f"  elements dequantised otherwise {right.dequantised.differing:.2e}")
        print(f"  quantising lost {loss}")
        print(f"  the device adds, in noise floors {over}")
        print(f"  with wrong scales: {'PASSED' if wrong.verdict.passed else 'failed'}, {named}")
        print(f"  {time.perf_counter() - started:.0f} s", flush=True)
    return right.verdict.passed and not wrong.verdict.passed and named == [WRONG]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this one; repeatable")
    parser.add_argument("--tokens", type=int, default=8, help="that both sides write")
    options = parser.parse_args()
    base = store.model("smollm2")
    holds = [examine(kind, base, options.tokens) for kind in options.kind or KINDS]
    print(f"torch {torch.__version__}")
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
