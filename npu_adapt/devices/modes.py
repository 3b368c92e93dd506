"""Ways to run a module on a device: as it is, compiled, or captured as the device's graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from npu_adapt.devices.device import Device
from npu_adapt.errors import RunFailed, Sentence, first_line

EAGER, COMPILE, GRAPH = MODES = ("eager", "compile", "graph")

# What a compiler's message holds -> what to do about it.
_HINTS = (
    ("C++ compiler", "install a C++ compiler (apt install g++, or set CXX), or leave --mode compile out"),
    ("Python.h", "install Python's headers (apt install python3-dev), or leave --mode compile out"),
    ("", "leave --mode compile out; TORCHDYNAMO_VERBOSE=1 shows the whole message"),
)


def compiled(module: torch.nn.Module, device: Device) -> Any:
    """The module behind torch.compile; it compiles at its first call, for the shapes of that call."""
    torch._dynamo.reset()
    with compiler_failures(device):
        return torch.compile(module, backend=device.backend.compiler, dynamic=False)


@contextmanager
def compiler_failures(device: Device) -> Iterator[None]:
    """Within it, what a compiler raises becomes `RunFailed` (class "mode-not-supported") with the compiler's line."""
    try:
        yield
    except (torch._dynamo.exc.TorchDynamoException, ImportError, OSError) as error:  # OSError: of its cache's folder
        text = str(error)
        raise RunFailed(
            Sentence(
                "torch.compile failed with {compiler} on {device}: {said}",
                compiler=device.backend.compiler,
                device=device.name,
                said=compiler_line(text),
            ),
            hint=next(hint for sign, hint in _HINTS if sign in text),
            stage="compile",
            kind="mode-not-supported",
        ) from error


def compiler_line(text: str) -> str:
    """The line that says what is wrong: a C++ compiler's first error, else the first line."""
    lines = text.strip().splitlines() or ["it says nothing"]
    return next((line.strip() for line in lines if re.search(r"\berror: ", line)), lines[0])


def captured(forward: Callable[[], Any], device: Device) -> Callable[[], Any]:
    """`forward` as one graph of the device, replayed into the same outputs. Raises `RunFailed` where that fails."""
    try:
        return device.captured(forward)
    except RuntimeError as error:
        raise RunFailed(
            Sentence(
                "the forward could not be captured as a graph of {device}: {said}",
                device=device.name,
                said=first_line(error),
            ),
            hint="leave --mode graph out: something in this model waits for the host, or its sizes depend on values",
            stage="capture",
            kind="mode-not-supported",
        ) from error


@dataclass
class GraphCount:
    """What torch.compile made of a forward: how many graphs, and why it broke off between them."""

    graphs: int = 0
    breaks: tuple[str, ...] = ()  # the first line of each reason, each once


@contextmanager
def counting_graphs() -> Iterator[GraphCount]:
    """Counts what is compiled within it; the count is complete behind it."""
    from torch._dynamo.utils import counters

    counters.clear()
    count = GraphCount()
    yield count
    count.graphs = int(counters["stats"]["unique_graphs"])
    count.breaks = tuple(dict.fromkeys(str(why).strip().splitlines()[0] for why in counters["graph_break"]))
