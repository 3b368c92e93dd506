"""Ways to run a module on a device: as it is, compiled, or captured as the device's graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from npu_adapt.devices.device import Device
from npu_adapt.errors import RunFailed

EAGER, COMPILE, GRAPH = MODES = ("eager", "compile", "graph")

# Backend kind -> the compiler that torch.compile takes there; other kinds take torch's own.
COMPILERS: dict[str, str] = {"npu": "npugraph_ex"}
# Backend kind -> the class of captured graphs in its module.
GRAPHS: dict[str, str] = {"npu": "NPUGraph", "cuda": "CUDAGraph"}


def compiled(module: torch.nn.Module, device: Device) -> Any:
    """The module behind torch.compile; it compiles at its first call, for the shapes of that call."""
    torch._dynamo.reset()
    return torch.compile(module, backend=COMPILERS.get(device.backend.kind, "inductor"), dynamic=False)


def captured(forward: Callable[[], dict[str, torch.Tensor]], device: Device) -> Callable[[], dict[str, torch.Tensor]]:
    """A function that replays `forward` as one graph, into the same outputs each time.

    `forward` must have run before. Raises `RunFailed` for a device without graphs.
    """
    name = GRAPHS.get(device.backend.kind)
    graph_class = None if name is None else getattr(device._module, name, None)
    if graph_class is None:
        raise RunFailed(
            f"{device.name} captures no graphs",
            hint="leave --mode graph out, or use --mode compile",
            stage="capture",
            kind="mode-not-supported",
        )
    graph = graph_class()
    with device._module.graph(graph):
        outputs = forward()

    def replay() -> dict[str, torch.Tensor]:
        graph.replay()
        return outputs

    return replay
