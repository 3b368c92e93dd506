"""What neighbours on a shared processor do to a latency, and how the gate sets that aside.

Another virtual machine on the same processor slows a process down without using any of its processor time. No counter
shows it, and a benchmark of now against one of then takes it for the model's own change. There are two ways. Neighbours
use part of the shared caches and of the memory's bandwidth: so the weights are read right before each forward, which
then finds them where it would on a machine of its own, and the time of that is kept. And neighbours use part of the
core's clock and units: so a fixed piece of work is measured in turns with the forward. It must stay in the core's own
caches, since work that reads from memory evicts the weights itself.

Measured with MiniLM on a virtual machine of two cores: beside a process that copies memory its median rose by 8 % when
it was measured in turns with work that reads 10 MiB, by 3.6 % alone, and by 1.2 % after reading the weights. In ten
minutes under other machines' load the medians of 52 processes spread by 4.4 % (standard deviation), over the fixed work
by 2.9 %, over the pace of both by 1.8 %; in three later ones by 3.9, 3.6 and 1.5 %.

The fixed work is half compiled, SHA-256 by OpenSSL, and half interpreted: it changes with neither torch nor the model.
Reading is torch's sum, which waits for memory whatever torch's version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import torch

HASHED, HASHES = bytes(range(256)) * 128, 20  # 32 KiB
STEPS = 6000

# A forward reads slower than a sum does. With twice the time, MiniLM's latency changed 0.86 and 1.18 times as much as
# the pace in those minutes; with just the time, 1.1 and 2.1 times.
READINGS = 2
PACE_DOUBT = 0.25  # of the pace's change, by which the model's may differ


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


def reading_share(latency_ms: float, reading_ms: float) -> float:
    """How much of a latency changes as the reading of its weights does, 0 to 1."""
    return min(1.0, READINGS * reading_ms / latency_ms)


def paced(latency_ms: float, reading_ms: float, work_ms: float, reading_share: float) -> float:
    """A latency over the processor's pace: what is left changes with the model and not with the neighbours.

    Of the latency, `reading_share` (0 to 1) is taken to change as `reading_ms` does, the rest as `work_ms` does: the
    pace is their geometric mean with these weights.
    """
    pace: float = reading_ms**reading_share * work_ms ** (1 - reading_share)
    return latency_ms / pace
