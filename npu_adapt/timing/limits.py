"""How fast the device itself is, measured in the same run, and what the model asks of it.

The bound is the roofline's: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
multicore architectures" (2009), with the time that launching takes as a third roof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from npu_adapt.records import Roofline
from npu_adapt.timing.loop import EventTimer, measure

SECONDS = 0.15  # for each measurement
SIZES = (512, 1024, 2048, 4096, 8192)  # of the matrices: the larger ones are tried while one product stays short
LONGEST_PRODUCT_MS = 30.0
LEAST_COPY_BYTES, MOST_COPY_BYTES = 1 << 20, 128 << 20
LAUNCHES = 200


@dataclass(frozen=True)
class DeviceLimits:
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


def measure_limits(
    device: torch.device,
    dtype: torch.dtype,
    synchronize: Callable[[], None],
    working_set_bytes: int,
    event_timer: EventTimer | None = None,
) -> DeviceLimits:
    """The device's rates, each from the fastest of many short samples, since a limit is what is reached at best.

    `event_timer` is the device's own clock: by the host's, the way there and back counts as the device's time.
    The copy moves as many bytes as one forward of the model, `working_set_bytes`, so that caches serve both alike.
    Needs up to 768 MiB on the device, and no more than 256 MiB where a product of 4096 takes some milliseconds.
    """

    def shortest(call: Callable[[], object]) -> float:
        samples = measure(
            call, synchronize=synchronize, max_seconds=SECONDS, warmup=2, iterations=50, event_timer=event_timer
        )
        return min(samples.device_ms or samples.host_ms)

    rate = 0.0
    for size in SIZES:
        # As a model's layers multiply: on processors without bfloat16, torch.mm is ten times slower than this.
        # Random, since constants switch fewer transistors, and a device that draws less power runs faster.
        inputs, weight = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        taken = shortest(lambda inputs=inputs, weight=weight: torch.nn.functional.linear(inputs, weight))  # type: ignore[misc]
        rate = max(rate, 2 * size**3 / taken * 1e3)
        if taken > LONGEST_PRODUCT_MS / 8:  # the next product takes eight times as long
            break
    copied = min(max(working_set_bytes // 2, LEAST_COPY_BYTES), MOST_COPY_BYTES)
    source = torch.zeros(copied, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copy_ms = shortest(lambda: target.copy_(source))
    small = torch.zeros(1, device=device)

    def launch() -> None:
        for _ in range(LAUNCHES):
            small.add_(1)

    return DeviceLimits(rate, 2 * copied / copy_ms * 1e3, shortest(launch) / LAUNCHES)


class _Census(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operators that compute (views and shape questions cost the device nothing) and the bytes they read of
    `held`: all of a tensor, or of a table that is only looked up in, the rows looked up.
    """

    def __init__(self, held: Iterable[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls = 0
        self._held = {id(tensor): tensor for tensor in held}
        self._whole: set[int] = set()
        self._rows: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += not getattr(func, "is_view", False)
        if func is torch.ops.aten.embedding.default:
            table, positions = args[:2]
            self._rows[id(table)] = self._rows.get(id(table), 0) + positions.numel()
            self._whole.add(id(positions))
        else:
            self._whole.update(id(each) for each in _tensors((args, kwargs)))
        return func(*args, **(kwargs or {}))

    def read_whole(self) -> tuple[torch.Tensor, ...]:
        """Of the held tensors those that are not only looked up in."""
        return tuple(tensor for key, tensor in self._held.items() if key in self._whole)

    def bytes_read(self) -> int:
        """Each byte counted once, however often it is read."""
        total = 0
        for key, tensor in self._held.items():
            size = tensor.numel() * tensor.element_size()
            if key not in self._whole:
                rows = self._rows.get(key, 0)
                size = min(size, rows * size // max(1, tensor.shape[0] if tensor.dim() else 1))
            total += size
        return total


def _tensors(value: Any) -> Iterable[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors([*value.values()])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def attention_flop(
    query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: object, out_shape: object = None, **__: object
) -> int:
    """Of both products of fused attention, multiply and add counted apart; shapes are [batch, heads, tokens, width].

    As torch's own formula, which refuses grouped queries, whose keys have fewer heads.
    """
    batch, heads, queries, width = query
    return 2 * batch * heads * queries * key[-2] * (width + value[-1])


_ATTENTION = ("flash_attention", "efficient_attention", "cudnn_attention", "flash_attention_for_cpu")
ATTENTION_FLOP = {
    found: attention_flop
    for name in _ATTENTION
    if (found := getattr(torch.ops.aten, f"_scaled_dot_product_{name}", None)) is not None
}


def measure_demand(forward: Callable[[], Iterable[torch.Tensor]], held: Iterable[torch.Tensor]) -> Demand:
    """Counts one forward. `held` are its weights and inputs; what it returns are its outputs, bytes counted once each.

    Operators that torch has no formula for count as no FLOPs, so the bound stays a bound.
    """
    counting = FlopCounterMode(display=False, custom_mapping=ATTENTION_FLOP)
    with counting as counter, _Census(held) as census:
        outputs = {id(tensor): tensor for tensor in forward()}
    written = sum(tensor.numel() * tensor.element_size() for tensor in outputs.values())
    return Demand(int(counter.get_total_flops()), census.bytes_read() + written, census.calls)


def read_whole(forward: Callable[[], object], held: Iterable[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The tensors of `held` that one forward reads from end to end; a table it looks rows up in is not among them."""
    census = _Census(held)
    with census:
        forward()
    return census.read_whole()


def roofline(limits: DeviceLimits, demand: Demand, median_ms: float) -> Roofline:
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
