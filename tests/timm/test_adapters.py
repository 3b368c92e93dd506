"""The documentation's adapters of torchvision and timm, with their packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.documented import examples
from tests.timm.packages import with_timm

pytestmark = pytest.mark.required

CODE = """
import timm, torch, torchvision
import npu_adapt
from safetensors.torch import save_file

torch.manual_seed(0)
save_file(timm.create_model("vit_tiny_patch16_224", num_classes=10).state_dict(), "{0}/timm.safetensors")
torch.save(torchvision.models.resnet50().state_dict(), "{0}/resnet50.pth")
for model, weights in (("timm_tiny.py", "timm.safetensors"), ("tv_resnet50.py", "resnet50.pth")):
    given = dict(weights="{0}/" + weights, device="cpu", allow_pickle=True)
    summary = npu_adapt.infer("{0}/" + model, **given)
    outputs = [(each.name, each.shape) for each in summary.run.outputs]
    print(summary.weights.proven_parameters, outputs, len(summary.run.predictions))
"""


def test_the_documented_adapters_run(tmp_path: Path, timm_environment: dict[str, str]) -> None:
    for name in ("timm_tiny.py", "tv_resnet50.py"):
        (tmp_path / name).write_text(examples()[name])
    lines = with_timm(CODE.format(tmp_path), timm_environment).splitlines()
    assert lines[-2:] == ["152 [('output', (1, 10))] 0", "320 [('class_scores', (1, 1000))] 5"]
