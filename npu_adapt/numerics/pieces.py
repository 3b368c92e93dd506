"""Large operators cut into independent calls, so that judging one takes no more memory than a piece of it.

An operator is cut along an axis of its result where each part depends on a part of the arguments: output features of a
linear layer, channels of a convolution, heads of an attention, any axis of what is computed element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from npu_adapt.numerics.capture import Call
from npu_adapt.numerics.operators import Kind, kind_of
from npu_adapt.numerics.products import PRODUCTS

LARGEST_PIECE = 1 << 19  # elements of the largest tensor of a piece: 4 MiB in float64, of which some stand at once
SAMPLED = 8  # a sample is one of so many parts
SMALLEST_SAMPLED = 1 << 14  # elements of a call of which a part is sampled


@dataclass(frozen=True)
class Piece:
    """A part of a call, and where its result lies: `length` from `start` along `axis`; axis None: it is the whole."""

    call: Call
    axis: int | None = None
    start: int = 0
    length: int = 0
    is_sample: bool = False  # and the rest of the call is left out

    def of(self, output: Tensor) -> Tensor:
        """The part of a whole result of the call."""
        return output if self.axis is None else output.narrow(self.axis, self.start, self.length)

    def offset(self, output: Tensor) -> tuple[int, ...]:
        """Where the part begins in the whole result; empty for the whole."""
        if self.axis is None:
            return ()
        return tuple(self.start if axis == self.axis else 0 for axis in range(output.dim()))


@dataclass(frozen=True)
class _Cut:
    """Along which axis of the result, and how an argument is cut with it: (position or name, tensor) -> its axis."""

    axis: int
    axis_of: Callable[[int | str, Tensor], int | None]


def pieces(call: Call, largest: int = LARGEST_PIECE) -> Iterator[Piece]:
    """The call as one piece where it is small or cannot be cut, else in pieces of about that many elements."""
    cut = _cut_above(call, largest)
    if cut is None:
        yield Piece(call)
        return
    size = call.outputs[0].shape[cut.axis]
    step = max(1, size * largest // _elements(call))
    for start in range(0, size, step):
        length = min(step, size - start)
        yield Piece(_part(call, cut, start, length), cut.axis, start, length)


def sample_of(call: Call, largest: int = LARGEST_PIECE) -> Piece:
    """One piece that stands for the call: an eighth of it, at most of that many elements, another one in each call.

    A call that is small or cannot be cut is its own.
    """
    cut = _cut_above(call, SMALLEST_SAMPLED)
    if cut is None:
        return Piece(call)
    size = call.outputs[0].shape[cut.axis]
    length = max(1, min(size // SAMPLED, size * largest // _elements(call)))
    start = length * (call.index % (size // length))
    return Piece(_part(call, cut, start, length), cut.axis, start, length, is_sample=True)


def _elements(call: Call) -> int:
    return max((tensor.numel() for tensor in (*call.inputs, *call.outputs)), default=0)


def _cut_above(call: Call, elements: int) -> _Cut | None:
    """How a call of more elements is cut; None: it has not as many, or cannot be."""
    find_cut = _CUTS.get(kind_of(call.operator))
    if find_cut is None or _elements(call) <= elements or len(call.outputs) != 1 or not call.inputs:
        return None
    return find_cut(call)


def _part(call: Call, cut: _Cut, start: int, length: int) -> Call:
    def narrowed(place: int | str, value: Any) -> Any:
        axis = cut.axis_of(place, value) if isinstance(value, Tensor) else None
        return value if axis is None else value.narrow(axis, start, length)

    args = tuple(narrowed(place, value) for place, value in enumerate(call.args))
    kwargs = {name: narrowed(name, value) for name, value in call.kwargs.items()}
    output = call.outputs[0].narrow(cut.axis, start, length)  # only calls of one result are cut
    return replace(call, args=args, kwargs=kwargs, output=output)


def _aligned(call: Call, forbidden: Callable[[int], bool]) -> _Cut | None:
    """Along the longest axis that is not forbidden, of the result and of every argument that is broadcast to it."""
    if len(call.outputs) != 1:
        return None
    output = call.outputs[0]
    allowed = [axis for axis in range(output.dim()) if not forbidden(axis)]
    if not allowed:
        return None
    axis = max(allowed, key=lambda each: output.shape[each])
    size, from_the_end = output.shape[axis], axis - output.dim()

    def axis_of(_place: int | str, tensor: Tensor) -> int | None:
        own = tensor.dim() + from_the_end
        return own if own >= 0 and tensor.shape[own] == size else None

    return _Cut(axis, axis_of) if size > 1 else None


def _any_axis(call: Call) -> _Cut | None:
    return _aligned(call, lambda axis: False)


def _rows_of_softmax(call: Call) -> _Cut | None:
    given = call.args[1] if len(call.args) > 1 and isinstance(call.args[1], int) else call.kwargs.get("dim")
    dimensions = call.outputs[0].dim()
    return None if given is None else _aligned(call, lambda axis: axis == int(given) % dimensions)


def _rows_of_norm(call: Call) -> _Cut | None:
    if call.operator not in ("layer_norm", "rms_norm"):
        return None
    shape = call.args[1] if len(call.args) > 1 else call.kwargs["normalized_shape"]
    kept = call.outputs[0].dim() - len(shape)
    cut = _aligned(call, lambda axis: axis >= kept)
    if cut is None:
        return None
    axis = cut.axis
    return _Cut(axis, lambda place, tensor: axis if place in (0, "input") else None)


def _features(call: Call) -> _Cut | None:
    """A linear layer along its output features or, where the weight is small beside the input, along its rows."""
    output, axis = call.outputs[0], call.outputs[0].dim() - 1
    weight = call.args[1] if len(call.args) > 1 else call.kwargs["weight"]
    if weight.dim() != 2:
        return None
    if weight.numel() >= output.numel() or output.dim() == 1:
        return _Cut(axis, lambda place, tensor: 0 if place in (1, 2, "weight", "bias") else None)
    leading = max(range(axis), key=lambda each: output.shape[each])
    return _Cut(leading, lambda place, tensor: leading if place in (0, "input") else None)


def _channels(call: Call) -> _Cut | None:
    groups = call.args[6] if len(call.args) > 6 else call.kwargs.get("groups", 1)
    output = call.outputs[0]
    weight = call.args[1] if len(call.args) > 1 else call.kwargs["weight"]
    if groups != 1 or output.dim() != weight.dim():
        return None
    return _Cut(1, lambda place, tensor: 0 if place in (1, 2, "weight", "bias") else None)


def _batches(call: Call) -> _Cut | None:
    """A matrix product along a batch axis, else along the rows of its left operand."""
    output = call.outputs[0]
    if output.dim() < 2 or any(tensor.dim() < 2 for tensor in call.inputs):
        return None
    cut = _aligned(call, lambda axis: axis >= output.dim() - 2)
    if cut is not None and cut.axis == 0 and all(tensor.dim() == output.dim() for tensor in call.inputs):
        return cut
    rows = output.dim() - 2
    left = call.args[0] if call.args else call.kwargs["input"]
    if left.dim() != output.dim():
        return None
    return _Cut(rows, lambda place, tensor: rows if place in (0, "input") else None)


def _product(call: Call) -> _Cut | None:
    cut = PRODUCTS[call.operator].cut
    return None if cut is None else _PRODUCT_CUTS[cut](call)


def _heads(call: Call) -> _Cut | None:
    """Fused attention along an axis that all of its tensors share; heads of grouped queries stay together."""
    output = call.outputs[0]
    grouped = bool(call.kwargs.get("enable_gqa"))
    shared = [
        axis
        for axis in range(output.dim() - (3 if grouped else 2))
        if all(tensor.dim() == output.dim() and tensor.shape[axis] in (1, output.shape[axis]) for tensor in call.inputs)
    ]
    axis = max(shared, key=lambda each: output.shape[each], default=None)
    if axis is None or output.shape[axis] == 1:
        return None
    size = output.shape[axis]
    return _Cut(axis, lambda place, tensor: axis if tensor.shape[axis] == size else None)


_PRODUCT_CUTS: dict[str, Callable[[Call], _Cut | None]] = {
    "features": _features,
    "channels": _channels,
    "batches": _batches,
}
_CUTS: dict[Kind, Callable[[Call], _Cut | None]] = {
    Kind.ELEMENTWISE: _any_axis,
    Kind.SOFTMAX: _rows_of_softmax,
    Kind.NORM: _rows_of_norm,
    Kind.PRODUCT: _product,
    Kind.ATTENTION: _heads,
}
