"""The weights of the adapters below `files/`: random ones that do not look it, saved as their libraries save them."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import torch
from safetensors.torch import save_file

from npu_adapt.devices.hiding import unopened_extensions_hidden

FILES = Path(__file__).with_name("files")
# MODEL -> which module of the file is saved; None: diffusers saves it.
MODELS: dict[str, str | None] = {
    "resnet.py": "ResNet",
    "detector.py": "Detector",
    "recurrent.py": "Recurrent",
    "fourier.py": "FourierOperator",
    "unet.py": None,
}


def weights_of(model: str, folder: Path) -> Path:
    """The weights of the adapter `model`, made in `folder`."""
    torch.manual_seed(1)
    named = MODELS[model]
    if named is None:
        return _unet(folder / "unet")
    net = getattr(_imported(FILES / model), named)()
    _trained(net)
    path = folder / f"{model.removesuffix('.py')}.safetensors"
    save_file(net.state_dict(), path)
    return path


def _imported(file: Path) -> ModuleType:
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _unet(folder: Path) -> Path:
    with unopened_extensions_hidden():  # it imports every extension of torch that is installed
        from diffusers import UNet2DConditionModel

    net = UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=8,
    )
    _trained(net)
    net.save_pretrained(folder)
    return folder


@torch.no_grad()
def _trained(net: torch.nn.Module) -> None:
    """Moves the scales and statistics of norms, as training does."""
    for each in net.modules():
        if "Norm" in type(each).__name__ and getattr(each, "weight", None) is not None:
            each.weight.uniform_(0.5, 1.5)
            each.bias.uniform_(-0.1, 0.1)
            if hasattr(each, "running_mean"):
                each.running_mean.uniform_(-0.1, 0.1)
                each.running_var.uniform_(0.5, 1.5)
