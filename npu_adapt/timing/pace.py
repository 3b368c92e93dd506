"""What neighbours on a shared processor do to a latency, and how the gate sets it aside.

Whoever shares a processor, as another virtual machine does, slows a process down without using any of its processor
time. Nothing counts that, and a benchmark of now against one of then mistakes it for its subject's own. It comes in two
ways. Neighbours push the weights out of the caches that are shared; so they are read right before each forward, and
every forward finds them where it would find them on a machine of its own. And neighbours take part of the clock and of
the units; so each forward's time is divided by the time of fixed work beside it, which must stay in the core's own
caches: work that reads from memory pushes the weights out itself.

The work is half compiled, SHA-256 by OpenSSL, and half interpreted: it changes with neither torch nor the model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

import torch

from npu_adapt.timing.statistics import median

HASHED, HASHES = bytes(range(256)) * 128, 20  # 32 KiB
STEPS = 6000


def fixed_work() -> None:
    """Each call does as much: most of a millisecond of one core of today, in its own caches."""
    for _ in range(HASHES):
        hashlib.sha256(HASHED)
    number = 1
    for _ in range(STEPS):
        number = (number * 1103515245 + 12345) & 0x7FFFFFFF


def reader(tensors: Iterable[torch.Tensor]) -> Callable[[], None]:
    """Each call reads all of the tensors, and so brings them into the caches as far as these hold them."""
    held = tuple(tensors)

    def read() -> None:
        with torch.inference_mode():
            for tensor in held:
                tensor.sum()

    return read


def paced(samples_ms: Sequence[float], paces_ms: Sequence[float]) -> float:
    """The median of samples over the paces that were taken in turns with them. `ValueError` for other numbers."""
    return median([sample / pace for sample, pace in zip(samples_ms, paces_ms, strict=True)])
