"""The calls of whole numbers of one model: made once for all calls of a kernel, and kept in little memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from npu_adapt.numerics.capture import Call, Kernel
from npu_adapt.numerics.operators import Kind, kind_of
from npu_adapt.numerics.whole_numbers import WholeNumbers, multiplies, of_whole_numbers

LEAST_ELEMENTS = 1 << 22  # of all that a call takes and gives, which are replayed in any model
SHARE_OF_MODEL = 16  # a part of the model's own elements that a call may have beyond that, and that are kept of all


@dataclass(frozen=True)
class _Packed:
    """A tensor of small whole numbers, in a byte each."""

    values: Tensor
    dtype: torch.dtype

    @classmethod
    def of(cls, leaf: Any) -> Any:
        """A floating tensor packed where its layout stays; anything else as it is."""
        if not isinstance(leaf, Tensor) or not leaf.is_floating_point():
            return leaf
        values = leaf.to(torch.int8)
        return cls(values, leaf.dtype) if values.stride() == leaf.stride() and bool((values == leaf).all()) else leaf

    @staticmethod
    def opened(leaf: Any) -> Any:
        return leaf.values.to(leaf.dtype) if isinstance(leaf, _Packed) else leaf


class WholeNumberCalls:
    """`of_whole_numbers` of the calls of one model, made once for all calls of one kernel; the small ones are kept."""

    def __init__(self, parameters: int = 0) -> None:
        self.most_elements = max(LEAST_ELEMENTS, parameters // SHARE_OF_MODEL)
        self._kept: dict[object, WholeNumbers | None] = {}
        self._bytes = 0
        self._seen: set[Kernel] = set()
        self.too_large: dict[str, None] = {}  # an ordered set: operators of calls that were left out for their size

    def of(self, call: Call) -> WholeNumbers | None:
        """The call of whole numbers; None where there is none that is exact."""
        if not multiplies(call):
            return None
        if _elements(call) > self.most_elements:
            self.too_large[call.operator] = None
            return None
        key = _kernel_and_options(call)
        if key in self._kept:
            return _as(call, self._kept[key])
        made = of_whole_numbers(call)
        if not _has_mask(call):
            self._keep(key, made)
        return made

    def first_of(self, call: Call) -> WholeNumbers | None:
        """As `of`, for the first call of each kernel that is asked about; None for the others."""
        kernel = call.kernel
        if kernel in self._seen:
            return None
        self._seen.add(kernel)
        return self.of(call)

    def _keep(self, key: object, made: WholeNumbers | None) -> None:
        packed = made and replace(made, call=made.call.with_arguments(_Packed.of))
        if packed is not None:
            tensors = (leaf.values if isinstance(leaf, _Packed) else leaf for leaf in packed.call.leaves())
            size = sum(each.nbytes for each in (*tensors, packed.expected) if isinstance(each, Tensor))
            if self._bytes + size > self.most_elements * packed.expected.element_size():
                return
            self._bytes += size
        self._kept[key] = packed


def _as(call: Call, made: WholeNumbers | None) -> WholeNumbers | None:
    """What was made for another call of the same kernel, in the place of this one."""
    return made and replace(
        made, call=replace(made.call.with_arguments(_Packed.opened), index=call.index, module=call.module)
    )


def _kernel_and_options(call: Call) -> object:
    """What the call of whole numbers depends on."""
    options = (leaf for leaf in call.leaves() if not isinstance(leaf, Tensor))
    return call.kernel, tuple(map(repr, options))


def _has_mask(call: Call) -> bool:
    """Whether the result depends on a tensor that is kept as it is."""
    return kind_of(call.operator) is Kind.ATTENTION and len(call.inputs) > 3


def _elements(call: Call) -> int:
    return sum(tensor.numel() for tensor in (*call.inputs, *call.outputs))
