"""Forwards of one input beside each other, operator by operator, without keeping what they computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from npu_adapt.numerics.capture import Call, Cost, capturing
from npu_adapt.numerics.operators import WRITING_PARTS, Kind, kind_of

_NEVER_VIEWS = frozenset({Kind.PRODUCT, Kind.ATTENTION, Kind.SOFTMAX, Kind.NORM, Kind.ELEMENTWISE})
WORDS = 4096  # of 64 bits, in a row of the bits that are summed


@dataclass(frozen=True)
class Divergence:
    """The first call that gave other bits in a further forward than in the first."""

    forward: int  # counted from 1
    index: int
    module: str
    operator: str
    output_shape: tuple[int, ...]


@dataclass
class Repeated:
    """Watches forwards of one input: call by call, whether a further one computes the first one's bits.

    A forward that calls another operator at some place, after equal bits, takes another path by the model's own code: a
    table that was made once is kept, for instance. From then on it is the one that further forwards are held to.

    `cost` is what the watching itself took of the last forward.
    """

    synchronize: Callable[[], None]
    first_divergence: Divergence | None = None  # None: none so far
    cost: Cost = field(default_factory=Cost)
    _forwards: int = 0
    _expected: list[tuple[str, int]] = field(default_factory=list)  # of an earlier forward: operator, fingerprint
    _current: list[tuple[str, int]] = field(default_factory=list)  # likewise, of the one that runs
    _takes_another_path: bool = False

    @contextmanager
    def watching(self, module: torch.nn.Module) -> Iterator[None]:
        """Surrounds one forward of `module`."""
        self._forwards += 1
        self._current, self._takes_another_path = [], False
        with capturing(module, self._see, asks_for_draws=False) as self.cost:
            yield
        if self._forwards == 1 or self._takes_another_path:
            self._expected = self._current

    def _see(self, call: Call) -> None:
        started = time.perf_counter()
        self.synchronize()
        self.cost.seconds -= time.perf_counter() - started  # in which the device computes
        with torch._C.DisableTorchFunction():  # what is computed here belongs to no emulation that is entered
            found = (call.operator, fingerprint(own_results(call)))
        self._current.append(found)
        if self._forwards > 1 and self._parts(call, found):
            shape = tuple(call.outputs[0].shape)
            self.first_divergence = Divergence(self._forwards, call.index, call.module, call.operator, shape)

    def _parts(self, call: Call, found: tuple[str, int]) -> bool:
        """Whether the call has other bits than before, and none before it had; notes that another path is taken."""
        if self._takes_another_path or (
            self.first_divergence is not None and self.first_divergence.index <= call.index
        ):
            return False
        expected = self._expected[call.index] if call.index < len(self._expected) else None
        self._takes_another_path = expected is None or expected[0] != call.operator
        return not self._takes_another_path and expected != found


def own_results(call: Call) -> tuple[Tensor, ...]:
    """The results that the call computed: a view shows what another one did, and a part of a tensor is no whole.

    Sparse and quantized ones are left out: what they hold is not in one storage.
    """
    outputs = call.outputs if all(map(_is_plain, call.outputs)) else tuple(filter(_is_plain, call.outputs))
    if call.in_place:
        return () if call.operator in WRITING_PARTS else outputs
    if kind_of(call.operator) in _NEVER_VIEWS:
        return outputs
    given = [tensor.untyped_storage().data_ptr() for tensor in call.inputs if _is_plain(tensor)]
    return tuple([tensor for tensor in outputs if tensor.untyped_storage().data_ptr() not in given])


def _is_plain(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not tensor.is_quantized


def fingerprint(tensors: tuple[Tensor, ...]) -> int:
    """A number to tell results apart by: the hash of their shapes and of sums of their bits; good within one process.

    The bits are taken as whole numbers of 64 in rows of `WORDS`, and summed over rows and over columns. A single change
    changes both sums; only changes in four places or more can balance in rows and in columns alike.
    """
    return hash(tuple(part for tensor in tensors for part in (tuple(tensor.shape), *_sums(tensor))))


def _sums(tensor: Tensor) -> tuple[bytes, ...]:
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    if tensor.is_neg():
        tensor = tensor.resolve_neg()
    image = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
    whole = image.size // (8 * WORDS) * 8 * WORDS
    rest = image[whole:].tobytes()
    if not whole:
        return (rest,)
    words = image[:whole].view(np.int64).reshape(-1, WORDS)
    return words.sum(0).tobytes(), words.sum(1).tobytes(), rest
