"""Whether weights are numbers: NaN and infinite ones in the files, and those that the type of the model cannot hold.

The files are looked at while the proof reads them, a piece at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from npu_adapt.models.stored import StoredTensor

NAN, INFINITE, OVERFLOW = "nan", "infinite", "overflow"


@dataclass(frozen=True)
class NotFinite:
    """A tensor that is used and holds something else than numbers; `name` is the checkpoint's."""

    kind: str  # NAN or INFINITE in the file, OVERFLOW in the type of the model alone
    name: str
    file: Path


@dataclass(frozen=True)
class Watched:
    """A stored tensor that notes in `found` what it is seen to hold."""

    name: str
    stored: StoredTensor
    is_parameter: bool
    found: set[NotFinite]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stored.shape

    @property
    def dtype(self) -> torch.dtype | None:
        return self.stored.dtype

    @property
    def type_name(self) -> str:
        return self.stored.type_name

    @property
    def nbytes(self) -> int:
        return self.stored.nbytes

    def pieces(self) -> Iterator[Tensor]:
        for piece in self.stored.pieces():
            self._look(piece)
            yield piece

    def whole(self) -> Tensor:
        tensor = self.stored.whole()
        self._look(tensor)
        return tensor

    def _look(self, tensor: Tensor) -> None:
        kind = fault_in(tensor, is_parameter=self.is_parameter)
        if kind is not None:
            self.found.add(NotFinite(kind, self.name, self.stored.file))


def fault_in(tensor: Tensor, *, is_parameter: bool) -> str | None:
    """NAN, INFINITE, or None: all are numbers. A buffer may hold −inf: masks do.

    A sum is not finite where an element is not, and costs a third of asking each.
    """
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return None
    if tensor.dtype.itemsize == 1:  # torch sums none of 8 bits
        tensor = tensor.float()
    if bool(tensor.sum().isfinite()):
        return None
    if bool(tensor.isnan().any()):
        return NAN
    infinite = tensor.isinf() if is_parameter or tensor.is_complex() else tensor.isposinf()
    return INFINITE if bool(infinite.any()) else None


def overflown(source: torch.dtype, parameter: Tensor) -> bool:
    """Whether a parameter has infinite values, which numbers of the wider type `source` became in the cast."""
    if not (source.is_floating_point and parameter.is_floating_point()):
        return False
    narrower = torch.finfo(parameter.dtype).max < torch.finfo(source).max
    return narrower and fault_in(parameter.detach(), is_parameter=True) == INFINITE


def overflown_in_cast(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The parameters that were numbers before they were cast and are infinite after it."""
    return tuple(
        name
        for name, parameter in after.items()
        if overflown(before[name].dtype, parameter) and fault_in(before[name].detach(), is_parameter=True) is None
    )
