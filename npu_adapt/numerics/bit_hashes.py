"""A number for the bits of each operator's results, made on the device that they lie on: no copy leaves it.

The bits are taken as words in rows of `ROW`; the sums over rows and over columns are added up with odd weights that
were drawn once. A single change, and all but chance among several, changes the number. Everything is whole numbers of
64 bits that wrap around, so that any order of the sums gives the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from npu_adapt.numerics.capture import Call, capturing
from npu_adapt.numerics.repeats import fingerprint, own_results

ROW = 4096
MOST_WEIGHTS = 1 << 14  # longer sums use them again

_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int32}


@dataclass(frozen=True)
class Place:
    """A call whose bits are watched."""

    index: int
    module: str
    operator: str
    output_shape: tuple[int, ...]


@dataclass
class BitHashes:
    """Watches forwards of one input; `numbers` are those of the last one, `places` the calls that they are of.

    `on_device` False: results are copied, since the device does not compute with whole numbers as the CPU does.
    """

    on_device: bool
    numbers: list[Tensor | int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    @contextmanager
    def watching(self, module: torch.nn.Module) -> Iterator[None]:
        """Surrounds one forward of `module`."""
        self.numbers, self.places = [], []
        with capturing(module, self._see):
            yield

    def vector(self) -> tuple[int, ...]:
        """The numbers of the last forward, call by call: one copy from the device."""
        if not self.on_device:
            return tuple(int(number) for number in self.numbers)
        there = [number for number in self.numbers if isinstance(number, Tensor)]
        return tuple(torch.stack(there).cpu().tolist()) if there else ()

    def _see(self, call: Call) -> None:
        with torch._C.DisableTorchFunction():  # what is computed here belongs to no emulation that is entered
            own = own_results(call)
            if not own:
                return
            self.numbers.append(hash_of(own) if self.on_device else fingerprint(own))
            self.places.append(Place(call.index, call.module, call.operator, tuple(call.outputs[0].shape)))


def parting(usual: tuple[int, ...], other: tuple[int, ...]) -> int:
    """The position of the first number that differs; of vectors of two lengths, at the latest the last common one."""
    pairs = zip(usual, other, strict=False)
    last = max(0, min(len(usual), len(other)) - 1)
    return next((at for at, (one, two) in enumerate(pairs) if one != two), last)


def hash_of(tensors: tuple[Tensor, ...]) -> Tensor:
    """One whole number of 64 bits for the bits of all, on their device, without dimensions."""
    total: Tensor | None = None
    for tensor in tensors:
        found = _hash(tensor)
        total = found if total is None else total * 31 + found
    assert total is not None
    return total


def _hash(tensor: Tensor) -> Tensor:
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    flat = tensor.detach().resolve_neg().contiguous().reshape(-1)
    words = flat.view(_WORDS[flat.element_size()])
    whole = words.numel() // ROW * ROW
    parts = [words[whole:].long()]
    if whole:
        table = words[:whole].reshape(-1, ROW)
        parts += [table.sum(0, dtype=torch.int64), table.sum(1, dtype=torch.int64)]
    return _weighted(torch.cat(parts))


def _weighted(numbers: Tensor) -> Tensor:
    weights = _weights(numbers.device)
    if numbers.numel() <= weights.numel():
        return (numbers * weights[: numbers.numel()]).sum()
    fitting = numbers.numel() // weights.numel() * weights.numel()
    rows = (numbers[:fitting].reshape(-1, weights.numel()) * weights).sum(1)
    return _weighted(torch.cat((rows, numbers[fitting:])))


_DRAWN: dict[torch.device, Tensor] = {}


def _weights(device: torch.device) -> Tensor:
    """The odd weights, the same on every device."""
    if device not in _DRAWN:
        generator = torch.Generator().manual_seed(0)
        drawn = torch.randint(-(1 << 62), 1 << 62, (MOST_WEIGHTS,), generator=generator, dtype=torch.int64)
        _DRAWN[device] = (drawn * 2 + 1).to(device)
    return _DRAWN[device]


def hashes_there(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the device gives the CPU's number for the same bits."""
    drawn = torch.randn(3 * ROW + 7, generator=torch.Generator().manual_seed(1)).to(dtype)
    try:
        return bool(hash_of((drawn.to(device),)).cpu() == hash_of((drawn,)))
    except (RuntimeError, NotImplementedError):
        return False
