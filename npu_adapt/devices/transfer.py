"""A model's second copy, on another device or in another type, made tensor by tensor."""

from __future__ import annotations

import copy

import torch


def copy_to(
    module: torch.nn.Module, device: torch.device, dtype: torch.dtype | None, *, shared: bool = False
) -> torch.nn.Module:
    """A copy of `module` whose floating tensors are `dtype` and whose tensors are all on `device`.

    With `dtype` None every tensor keeps its type.
    The module is not changed. Tied tensors stay tied. Each tensor goes straight to its place, so the peak is one copy
    on the device and nothing further on the CPU; `copy.deepcopy(module).to(device)` would hold two there. `shared`:
    parameters that are there in that type already are no copies, but the module's own memory, which a forward only
    reads.
    """
    memo: dict[int, object] = {}
    for parameter in module.parameters():
        moved = _moved(parameter, device, dtype, copied=not shared)
        memo[id(parameter)] = torch.nn.Parameter(moved, requires_grad=False)
    for buffer in module.buffers():
        memo[id(buffer)] = _moved(buffer, device, dtype, copied=True)  # a forward may write into it
    return copy.deepcopy(module, memo)


def _moved(tensor: torch.Tensor, device: torch.device, dtype: torch.dtype | None, *, copied: bool) -> torch.Tensor:
    wanted = dtype if dtype is not None and tensor.is_floating_point() else tensor.dtype
    return tensor.detach().to(device, wanted, copy=copied)
