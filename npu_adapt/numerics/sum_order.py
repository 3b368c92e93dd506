"""In which order a device sums the terms of a matrix product, read off products of which parts cancel.

Among equal terms of one unit, term i is a large number M and term j is -M. A unit that is added to a sum which holds
one of the two is lost, since M swallows it; one that comes in after they have cancelled is kept. So the units that are
left tell how many terms had been summed when i and j met: the size of the smallest part of the tree of sums that holds
both. The sizes for i = 0 and many j tell the orders that are known here apart. Method: Xie et al., FPRev: Revealing the
Order of Floating-Point Summation (USENIX ATC 2025).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from npu_adapt.numerics.exact import TYPES

MatrixProduct = Callable[[Tensor, Tensor], Tensor]

UNIT, LARGE = 2.0**-7, 2.0**15  # of each operand: M is 2^44 units, which swallows thousands of them
MOST_TERMS = 2048
CLOSE_TERMS = 256  # that the first term is seen to meet, each; of those beyond as many, evenly spread
TERMS_AT_ONCE = (1, 2, 4, 8, 16, 32)
LANES = (4, 8, 16, 32, 64)


@dataclass(frozen=True)
class SumOrder:
    """How a device sums products of so many terms."""

    terms: int
    order: str  # sequential | swapped-pairs | blocks | pairwise | lanes | wider | changing | unknown
    block: int | None = None  # terms of a part that is summed by itself, or the number of lanes; None: there is none
    at_once: int = 1  # terms that are added in one step
    last_first: bool = False


def read_order(multiply: MatrixProduct, dtype: torch.dtype, terms: int) -> SumOrder:
    """The order in which `multiply` sums products of [n, terms] and [terms, n] in `dtype`.

    Of more than `MOST_TERMS`, or more than the type can count, fewer are read: `terms` of the result says how many.
    """
    terms = min(terms, MOST_TERMS, 1 << (TYPES[dtype].mantissa_bits + 1))
    others = _others(terms)
    met = _met(multiply, dtype, terms, others)
    if not torch.equal(met, _met(multiply, dtype, terms, others)):
        return SumOrder(terms, "changing")
    known = _known(met, others, terms)
    if known is None:
        backwards = _known(_met(multiply, dtype, terms, others, last_first=True), others, terms)
        known = None if backwards is None else replace(backwards, last_first=True)
    return known or SumOrder(terms, "unknown")


def _others(terms: int) -> Tensor:
    """The terms that the first one is seen to meet."""
    close = range(1, min(terms, CLOSE_TERMS))
    far = range(CLOSE_TERMS, terms, max(1, (terms - CLOSE_TERMS) // CLOSE_TERMS))
    return torch.tensor(sorted({*close, *far, terms - 1}))


def _met(
    multiply: MatrixProduct, dtype: torch.dtype, terms: int, others: Tensor, *, last_first: bool = False
) -> Tensor:
    """How many terms had been summed when the first one met each of the others."""
    left = torch.full((len(others), terms), UNIT)
    right = left.T.clone()
    rows = torch.arange(len(others))
    left[:, 0], right[0] = LARGE, LARGE
    left[rows, others], right[others, rows] = LARGE, -LARGE
    if last_first:
        left, right = left.flip(1), right.flip(0)
    kept = multiply(left.to(dtype), right.to(dtype)).diagonal().double() / UNIT**2
    return terms - kept.nan_to_num(-1.0).round().long()


def _known(met: Tensor, others: Tensor, terms: int) -> SumOrder | None:
    """The order that gives these numbers; None: none that is known."""
    return next((made for made, expected in _orders(met, others, terms) if torch.equal(met, expected)), None)


def _orders(met: Tensor, others: Tensor, terms: int) -> Iterator[tuple[SumOrder, Tensor]]:
    """Every order that may be meant, with how many terms have been summed when the first one meets the others in it."""
    yield SumOrder(terms, "wider"), torch.full_like(others, 2)
    for at_once in TERMS_AT_ONCE:
        for steps in _steps(others, at_once, terms):
            yield SumOrder(terms, "sequential", at_once=at_once), steps
            other = (met != steps).nonzero()
            block = int(others[other[0]]) if len(other) else terms  # where sums in such steps would have to be cut
            parts = (block * (others // block + 1)).clamp(max=terms)
            yield SumOrder(terms, "blocks", block, at_once), torch.where(others < block, steps.clamp(max=block), parts)
    yield SumOrder(terms, "swapped-pairs"), torch.maximum(others ^ 1, torch.tensor(1)) + 1
    yield SumOrder(terms, "pairwise"), torch.tensor([min(terms, 1 << int(other).bit_length()) for other in others])
    for lanes in LANES:
        own = others % lanes == 0
        if bool(own.any()) and bool((met[~own] > met[own].max()).all()):
            yield SumOrder(terms, "lanes", lanes), torch.where(own, others // lanes + 1, met)


def _steps(others: Tensor, at_once: int, terms: int) -> Iterator[Tensor]:
    """Sums that take in so many terms at once: units beside a large one are lost in a step, or the step is exact."""
    yield (at_once * (others // at_once + 1)).clamp(max=terms)
    if at_once > 1:
        last = (at_once * (others // at_once + 1)).clamp(max=terms) - at_once * (others // at_once)
        exact = at_once * (others // at_once) + 1
        yield torch.where(others < at_once, 2, exact).where(last > 0, exact)
