"""timm runs in the environment that the other tests of this folder use."""

import pytest

from tests.timm.packages import with_timm

pytestmark = pytest.mark.required


def test_a_timm_model_runs_beside_the_torch_of_the_tests(timm_environment):
    code = """
import timm, torch
model = timm.create_model("vit_tiny_patch16_224", num_classes=7).eval()
with torch.inference_mode():
    print(tuple(model(torch.zeros(1, 3, 224, 224)).shape), timm.__version__)
"""
    assert with_timm(code, timm_environment) == "(1, 7) 1.0.31\n"


def test_transformers_sees_timm_and_wraps_it(timm_environment):
    code = """
import sys
sys.modules["torch_npu"] = None
from transformers import TimmWrapperConfig, TimmWrapperForImageClassification
config = TimmWrapperConfig(architecture="vit_tiny_patch16_224", num_labels=5)
print(type(TimmWrapperForImageClassification(config).timm_model).__name__)
"""
    assert with_timm(code, timm_environment).splitlines()[-1] == "VisionTransformer"
