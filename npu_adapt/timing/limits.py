"""How fast the device itself is, measured in the same run, and what the model asks of it.

The bound is the roofline's: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
multicore architectures" (2009), with the time that launching takes as a third roof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from npu_adapt.records import Roofline
from npu_adapt.timing.loop import measure
from npu_adapt.timing.statistics import median

SECONDS = 0.3  # for each of the three
SIZES = (512, 1024, 2048, 4096)  # of the matrices: the larger ones are tried while one product stays short
LONGEST_PRODUCT_MS = 30.0
COPY_BYTES = 64 << 20
LAUNCHES = 200


@dataclass(frozen=True)
class Limits:
    """What a device reaches in one element type."""

    matmul_flop_per_s: float
    copy_bytes_per_s: float
    launch_ms: float


@dataclass(frozen=True)
class Demand:
    """What one forward asks for."""

    flop: int
    bytes: int
    operators: int


def measure_limits(device: torch.device, dtype: torch.dtype, synchronize: Callable[[], None]) -> Limits:
    """The device's rates, each the best median of short loops. Needs up to 100 MB on it."""

    def shortest(call: Callable[[], object]) -> float:
        samples = measure(call, synchronize=synchronize, max_seconds=SECONDS, warmup=2, iterations=50)
        return median(samples.host_ms)

    rate = 0.0
    for size in SIZES:
        left = torch.ones(size, size, dtype=dtype, device=device)
        right = torch.ones(size, size, dtype=dtype, device=device)
        taken = shortest(lambda left=left, right=right: torch.mm(left, right))  # type: ignore[misc]
        rate = max(rate, 2 * size**3 / taken * 1e3)
        if taken > LONGEST_PRODUCT_MS / 8:  # the next product takes eight times as long
            break
    source = torch.zeros(COPY_BYTES, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copy_ms = shortest(lambda: target.copy_(source))
    small = torch.zeros(1, device=device)

    def launch() -> None:
        for _ in range(LAUNCHES):
            small.add_(1)

    return Limits(rate, 2 * COPY_BYTES / copy_ms * 1e3, shortest(launch) / LAUNCHES)


class _CallCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operators that compute: views and shape questions cost the device nothing."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += not getattr(func, "is_view", False)
        return func(*args, **(kwargs or {}))


def measure_demand(forward: Callable[[], Iterable[torch.Tensor]], held: Iterable[torch.Tensor]) -> Demand:
    """Counts one forward. `held` are its weights and inputs; what it returns are its outputs, bytes counted once each.

    Operators that torch has no formula for count as no FLOPs, so the bound stays a bound.
    """
    with FlopCounterMode(display=False) as counter, _CallCounter() as calls:
        outputs = tuple(forward())
    moved = {id(tensor): tensor.numel() * tensor.element_size() for tensor in (*held, *outputs)}
    return Demand(int(counter.get_total_flops()), sum(moved.values()), calls.calls)


def roofline(limits: Limits, demand: Demand, median_ms: float) -> Roofline:
    """The longest of computing, moving and launching, and how near `median_ms` comes to it."""
    roofs = {
        "compute": 1e3 * demand.flop / limits.matmul_flop_per_s,
        "memory": 1e3 * demand.bytes / limits.copy_bytes_per_s,
        "launch": demand.operators * limits.launch_ms,
    }
    bound = max(roofs, key=lambda name: roofs[name])
    return Roofline(
        matmul_flop_per_s=limits.matmul_flop_per_s,
        copy_bytes_per_s=limits.copy_bytes_per_s,
        launch_ms=limits.launch_ms,
        flop=demand.flop,
        bytes=demand.bytes,
        operators=demand.operators,
        bound=bound,
        bound_ms=roofs[bound],
        achieved=roofs[bound] / median_ms,
    )
