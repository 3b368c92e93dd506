"""Products, convolutions and attention of small whole numbers, whose results are known to the bit: no margin is needed.

Whole numbers whose partial sums stay below 2^24 are exact in float32 in any order of sums, and if they are small
enough their operands and results are exact in every arithmetic of the table and in the half types. So a device's
result must be equal: what is skipped, read twice, read from a wrong place or left from before shows without a
tolerance. Operands have the shapes, strides and types of a call that a model made, which is what kernels are chosen by.

Fused attention is given queries that each see one key, or two alike: its result is that key's value, or their mean. Its
weights come from an exponential and a division, which may be a unit in the last place off, so there the result need
only round to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F  # noqa: N812 - its name in the field
from torch import Tensor

from npu_adapt.numerics.attention import AttentionCall, attention
from npu_adapt.numerics.capture import Call
from npu_adapt.numerics.error_statistics import FailedTest, Worst, exact_difference
from npu_adapt.numerics.exact import ROUNDOFF, TYPES
from npu_adapt.numerics.operators import Kind, kind_of
from npu_adapt.numerics.products import BilinearCall, linear_in_slices, read_product

TEST = "whole-numbers"
LARGEST_OPERAND = 3  # in absolute value, where sums have room for it
LARGEST_VALUE = 63  # half of what attention picks out: exact in every type
SPARSEST_LAYOUT = 4  # strides that span more than this many times the elements are not kept
SMALLEST_GAP = 128.0  # between the score of the key that is seen and all others: e^-128 is zero in float32
LARGEST_SCORE = 30000.0  # that float16 holds too
FEW_CHANNELS = 16  # of a head
THINNINGS = 12  # times that an operand is thinned out by half, until its sums fit


_NO_ELEMENT = Worst((), math.nan, math.nan)


@dataclass(frozen=True)
class WholeNumbers:
    """A call of whole numbers, and the result that it must have."""

    call: Call
    expected: Tensor
    to_the_bit: bool  # else to the nearest whole number

    def broken(self, found: Sequence[Tensor]) -> FailedTest | None:
        """What is wrong with a device's results (on the CPU) for the call; None: nothing is."""
        if [(each.shape, each.dtype) for each in found] != [(self.expected.shape, self.expected.dtype)]:
            return FailedTest(TEST, math.inf, _NO_ELEMENT)
        result = found[0] if self.to_the_bit else found[0].round()
        broken = exact_difference(result, self.expected, ROUNDOFF[self.expected.dtype], bits=False)
        return None if broken is None else FailedTest(TEST, broken.over_floor, broken.worst)


def of_whole_numbers(call: Call, seed: int = 0) -> WholeNumbers | None:
    """The call with whole numbers for its floating operands; None where none can be found that are exact.

    None for operators that multiply nothing, complex and double operands, and factors that are no powers of two.
    """
    if len(call.outputs) != 1 or call.outputs[0].dtype not in _LARGEST_SUMS:
        return None
    if not multiplies(call):
        return None
    generator = torch.Generator().manual_seed(seed)
    return (_product if kind_of(call.operator) is Kind.PRODUCT else _attention)(call, generator)


# Sums up to 2^(mantissa bits + 1) are exact.
_LARGEST_SUMS: Mapping[torch.dtype, float] = {
    dtype: 2.0 ** (row.mantissa_bits + 1) for dtype, row in TYPES.items() if row.mantissa_bits < 52
}


def multiplies(call: Call) -> bool:
    return kind_of(call.operator) in (Kind.PRODUCT, Kind.ATTENTION)


def _product(call: Call, generator: torch.Generator) -> WholeNumbers | None:
    given = _taken(call)
    if given is None or not all(map(_keeps_whole_numbers, (given.factor, given.added_factor))):
        return None
    limit = min(_LARGEST_SUMS.get(each.dtype, 0.0) for each in (given.left, given.right, call.outputs[0]))
    room = (limit - LARGEST_OPERAND * abs(given.added_factor)) / max(1.0, abs(given.factor))
    roomy = room >= given.terms * LARGEST_OPERAND**2
    most = LARGEST_OPERAND if roomy else 1
    drawn = {id(each): _drawn_like(each, most, generator) for each in _floating(call)}
    for thinned in range(1 if roomy else THINNINGS):
        changed = call.with_arguments(lambda leaf: drawn.get(id(leaf), leaf))
        taken = _taken(changed)
        if taken is None:
            return None
        may_fit = given.terms <= room * 2**thinned  # of so many ones half is left each time
        if roomy or (may_fit and float(_multiplied(taken, torch.abs).max()) <= room):
            product = _multiplied(taken, lambda operand: operand)
            result = taken.completed(product, taken.added).to(call.outputs[0].dtype)
            return WholeNumbers(replace(changed, output=result), result, to_the_bit=True)
        drawn[id(given.right)] = _thinned(drawn[id(given.right)], generator)
    return None


def _multiplied(taken: BilinearCall, change: Callable[[Tensor], Tensor]) -> Tensor:
    """The product of the operands, each changed, in float32; a large weight a part at a time."""

    def linear(left: Tensor, right: Tensor, _: Tensor | None) -> Tensor:
        return taken.multiply(left, change(right.float()))

    left = change(taken.left.float())
    if taken.multiply is F.linear:
        return linear_in_slices(linear, left, taken.right, None)
    return linear(left, taken.right, None)


def _taken(call: Call) -> BilinearCall | None:
    return read_product(call.operator, call.function, call.args, call.kwargs)


def _floating(call: Call) -> tuple[Tensor, ...]:
    return tuple(each for each in call.inputs if each.is_floating_point())


def _keeps_whole_numbers(factor: float) -> bool:
    """Whether whole numbers times `factor` are whole, or multiples of a power of two that every type holds."""
    return factor == 0 or (math.isfinite(factor) and abs(math.frexp(factor)[0]) == 0.5 and 2**-8 <= abs(factor) <= 16)


def _drawn_like(tensor: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Whole numbers from -most to most, none of them zero, laid out as `tensor`."""
    shape = _stored(tensor)
    drawn = torch.randint(1, most + 1, shape, generator=generator, dtype=torch.int8)
    signs = torch.randint(0, 2, shape, generator=generator, dtype=torch.int8).mul_(2).sub_(1)
    return _laid_out(drawn.mul_(signs), tensor)


def _stored(tensor: Tensor) -> tuple[int, ...]:
    """The shape without what is only repeated."""
    return tuple(1 if stride == 0 else size for size, stride in zip(tensor.shape, tensor.stride(), strict=True))


def _laid_out(values: Tensor, like: Tensor) -> Tensor:
    """`values`, broadcast to the shape of `like`, in its type and strides; contiguous where those overlap."""
    stored = _stored(like)
    once = values.to(like.dtype).expand(like.shape)[tuple(slice(0, size) for size in stored)]
    if once.stride() == like.stride():
        return once.expand(like.shape)
    span = 1 + sum((size - 1) * stride for size, stride in zip(stored, like.stride(), strict=True))
    if once.numel() <= span <= SPARSEST_LAYOUT * once.numel():
        strided = torch.as_strided(torch.zeros(span, dtype=like.dtype), stored, like.stride())
        if torch.equal(strided.copy_(once), once):  # else some of its elements are others' too
            once = strided
    return once.expand(like.shape)


def _thinned(tensor: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the values, the others zero."""
    kept = torch.randint(0, 2, _stored(tensor), generator=generator, dtype=torch.int8)
    return _laid_out(tensor * kept, tensor)


def _attention(call: Call, generator: torch.Generator) -> WholeNumbers | None:
    """Two neighbouring keys have a code of signs, and each query one that it may see, large enough to see no other.

    Where a mask hides one of the two, the other is the result, else their mean; so a mask off by one shows.
    """
    given = attention(call)
    query, key, value = _given_operands(call)
    keys = key.size(-2)
    codes = _codes(-(-keys // 2), key.size(-1), given.scale, generator)
    sees = _sees(given)
    chosen = _chosen(sees, generator)
    if codes is None or chosen is None or len({id(query), id(key), id(value)}) < 3:
        return None
    signs, height = codes
    values = torch.randint(-LARGEST_VALUE, LARGEST_VALUE + 1, value.shape, generator=generator, dtype=torch.int16)
    pair = torch.arange(keys) // 2
    drawn = {
        id(query): _laid_out(signs[chosen] * height, query),
        id(key): _laid_out(signs[pair] * math.copysign(1.0, given.scale), key),
        id(value): _laid_out(2 * values, value),
    }
    changed = _with_plain_mask(call.with_arguments(lambda leaf: drawn.get(id(leaf), leaf)))
    seen = (sees & (chosen[:, None] == pair)).float()
    result = ((seen / seen.sum(-1, keepdim=True)) @ attention(changed).value.float()).to(call.outputs[0].dtype)
    if result.shape != call.outputs[0].shape:
        return None
    return WholeNumbers(replace(changed, output=result), result, to_the_bit=False)


def _given_operands(call: Call) -> tuple[Tensor, Tensor, Tensor]:
    names = ("query", "key", "value")
    query, key, value = (call.args[at] if at < len(call.args) else call.kwargs[name] for at, name in enumerate(names))
    return query, key, value


def _codes(count: int, width: int, scale: float, generator: torch.Generator) -> tuple[Tensor, float] | None:
    """(codes of signs [count, width], the factor of a query) for which each code's own score stands out.

    None: they are too many for so few channels.
    """
    if width <= FEW_CHANNELS:  # random codes of few signs would meet
        numbers = torch.randperm(1 << width, generator=generator)[:count]
        bits = (numbers[:, None] >> torch.arange(width)) & 1
    else:
        bits = torch.randint(0, 2, (count, width), generator=generator, dtype=torch.int8)
    if len(bits) < count:
        return None
    signs = bits.float().mul_(2).sub_(1)
    likeness = (signs @ signs.T).fill_diagonal_(-width)
    gap = (width - float(likeness.max())) * abs(scale)
    if gap == 0:
        return None
    height = 2.0 ** math.ceil(math.log2(SMALLEST_GAP / gap))
    return (signs, height) if height * width * abs(scale) <= LARGEST_SCORE else None


def _chosen(sees: Tensor, generator: torch.Generator) -> Tensor | None:
    """For each query a pair of keys, of which it sees one in every batch and head, and not both where there are such.

    None: some query sees no key everywhere.
    """
    queries, keys = sees.shape[-2:]
    everywhere = sees.reshape(-1, queries, keys).all(0)
    neighbour = torch.arange(keys) ^ 1
    alone = everywhere & ~everywhere[:, neighbour.clamp(max=keys - 1)] & (neighbour < keys)
    chances = torch.rand(queries, keys, generator=generator).add_(alone).masked_fill_(~everywhere, -1.0)
    best = chances.max(-1)
    return best.indices // 2 if bool((best.values >= 0).all()) else None


def _sees(given: AttentionCall) -> Tensor:
    """[..., queries, keys]: which keys are not hidden from a query by the mask."""
    shape = (given.query.size(-2), given.key.size(-2))
    if given.mask is None:
        return torch.ones(shape, dtype=torch.bool)
    return (given.mask > -SMALLEST_GAP).expand(*given.mask.shape[:-2], *shape)


def _with_plain_mask(call: Call) -> Call:
    """The call with an additive mask that only masks: what it adds to scores elsewhere would make them inexact."""
    mask = call.args[3] if len(call.args) > 3 else call.kwargs.get("attn_mask")
    if mask is None or mask.dtype == torch.bool:
        return call
    plain = _laid_out(mask.masked_fill(mask > -SMALLEST_GAP, 0.0), mask)
    return call.with_arguments(lambda leaf: plain if leaf is mask else leaf)
