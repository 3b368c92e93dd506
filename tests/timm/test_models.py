"""timm checkpoints through the command: classifier and features, proven and compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from npu_adapt.records import Summary, decode
from tests.commands import Cli, run_python
from tests.timm.packages import with_timm

pytestmark = pytest.mark.required

# As timm publishes a model: its own config.json, weights under its own names, no processor beside them.
PUBLISH = """
import json, pathlib, timm, torch
from safetensors.torch import save_file
torch.manual_seed(0)
folder = pathlib.Path({folder!r})
folder.mkdir(parents=True)
model = timm.create_model("vit_tiny_patch16_224", num_classes=7)
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(0.02 * torch.randn(parameter.shape))
save_file(model.state_dict(), folder / "model.safetensors", metadata={{"format": "pt"}})
names = ("input_size", "interpolation", "mean", "std", "crop_pct", "num_classes", "first_conv", "classifier")
pretrained = {{name: model.pretrained_cfg[name] for name in names if name in model.pretrained_cfg}}
config = {{
    "architecture": "vit_tiny_patch16_224", "num_classes": 7, "num_features": model.num_features,
    "global_pool": "token", "pretrained_cfg": pretrained | {{"tag": "augreg_in21k_ft_in1k", "num_classes": 7}},
}}
(folder / "config.json").write_text(json.dumps(config))
"""


@pytest.fixture(scope="module")
def vit_tiny(tmp_path_factory: pytest.TempPathFactory, timm_environment: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("timm") / "timm" / "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    with_timm(PUBLISH.format(folder=str(folder)), timm_environment)
    return folder


def compared(cli: Cli, environment: dict[str, str], *arguments: str | Path) -> Summary:
    done = cli("compare", *arguments, "--device", "cpu", "--fast", "--json", environment=environment)
    assert done.code == 0, done.stderr
    return decode(done.stdout.encode(), origin="stdout")


def test_the_classifier_and_its_features_are_compared(
    cli: Cli, vit_tiny: Path, timm_environment: dict[str, str]
) -> None:
    root = vit_tiny.parents[1]
    model = "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"
    summary = compared(cli, timm_environment, model, "--weights-root", root)
    assert summary.model is not None and summary.weights is not None and summary.compare is not None
    assert (summary.model.id, summary.model.task) == (model, "image-classification")
    assert {output.name: output.shape for output in summary.compare.outputs} == {
        "logits": (1, 7),
        "last_hidden_state": (1, 197, 192),
    }
    assert summary.weights.pretrained_used and summary.weights.missing_keys == ()
    assert summary.compare.top5_match
    assert summary.compare.relative_l2 is not None and summary.compare.relative_l2 < 1e-6


def test_the_classifiers_bundle_gives_its_figures_to_the_bit(
    cli: Cli, vit_tiny: Path, timm_environment: dict[str, str], tmp_path: Path
) -> None:
    logs, script = ("--logs", tmp_path / "logs"), tmp_path / "bundle" / "inference.py"
    done = cli("infer", vit_tiny, "--device", "cpu", *logs, environment=timm_environment)
    assert done.code == 0, done.stderr
    done = cli("report", "--bundle", tmp_path / "bundle", *logs, environment=timm_environment)
    assert done.code == 0, done.stderr
    code = (  # torch_npu is installed here without CANN, and transformers imports it
        f"import runpy, sys; sys.modules['torch_npu'] = None; sys.argv = [{str(script)!r}, '--device', 'cpu']\n"
        f"runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    done = run_python(code, environment=timm_environment | {"TORCH_DEVICE_BACKEND_AUTOLOAD": "0"})
    assert done.code == 0, done.stderr
    result = json.loads((tmp_path / "bundle" / "results" / "inference.json").read_text())
    assert result["same_as_reported"] is True and len(result["predictions"]) == 5


def test_features_alone(cli: Cli, vit_tiny: Path, timm_environment: dict[str, str]) -> None:
    summary = compared(cli, timm_environment, vit_tiny, "--task", "image-feature-extraction")
    assert summary.model is not None and summary.compare is not None
    assert summary.model.task == "image-feature-extraction"
    assert summary.compare.outputs[0].shape == (1, 197, 192)
    assert summary.compare.top1_match is None


def test_a_head_that_is_missing_is_no_classifier(cli: Cli, vit_tiny: Path, timm_environment: dict[str, str]) -> None:
    from safetensors.torch import load_file, save_file

    folder = vit_tiny.with_name("headless")
    folder.mkdir()
    (folder / "config.json").write_bytes((vit_tiny / "config.json").read_bytes())
    tensors = load_file(vit_tiny / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("head.")}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    done = cli("infer", folder, "--device", "cpu", "--json", environment=timm_environment)
    error = json.loads(done.stdout)["error"]
    assert done.code == error["exit_code"] == 5
    assert "head" in error["message"]


def test_without_timm_the_message_says_what_to_install(cli: Cli, vit_tiny: Path) -> None:
    done = cli("infer", vit_tiny, "--device", "cpu")
    assert done.code == 5
    assert "npu-adapt[timm]" in done.stderr and "Traceback" not in done.stderr


def test_a_timm_classifier_on_an_npu(
    cli: Cli, vit_tiny: Path, timm_environment: dict[str, str], softcann: dict[str, str]
) -> None:
    done = cli("compare", vit_tiny, "--device", "npu:0", "--json", environment={**timm_environment, **softcann})
    assert done.code == 0, done.stderr
    summary = decode(done.stdout.encode(), origin="stdout")
    assert summary.compare is not None and summary.compare.verdict.passed
    assert summary.compare.candidate == "npu:0" and summary.compare.top5_match
