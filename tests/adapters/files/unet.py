"""A tiny UNet of diffusers, as `from_pretrained` makes it of the folder that --weights names."""

import torch
from diffusers import UNet2DConditionModel
from diffusers.models import activations

# Wherever torch_npu is installed, diffusers calls npu_geglu, on the CPU too, which does not have it.
activations.is_torch_npu_available = lambda: False


def model(weights):
    return UNet2DConditionModel.from_pretrained(weights.path)


def inputs(values):
    return {
        "sample": torch.randn(1, 4, 16, 16),
        "timestep": torch.tensor([10]),
        "encoder_hidden_states": torch.randn(1, 7, 16),
    }
