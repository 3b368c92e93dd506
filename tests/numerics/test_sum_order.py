"""Orders of sums, read off software products that sum in an order that is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from npu_adapt.numerics.emulation import blocked
from npu_adapt.numerics.sum_order import MOST_TERMS, SumOrder, read_order

TYPES = (torch.float32, torch.float16, torch.bfloat16)


def _terms(left: Tensor, right: Tensor) -> Tensor:
    """[terms, rows, columns], float32."""
    return left.float().T[:, :, None] * right.float()[:, None, :]


def _one_by_one(terms: Tensor) -> Tensor:
    total = torch.zeros_like(terms[0])
    for term in terms:
        total = total + term
    return total


def _pairs(terms: Tensor) -> Tensor:
    while len(terms) > 1:
        terms = torch.cat([terms, torch.zeros_like(terms[:1])]) if len(terms) % 2 else terms
        terms = terms[::2] + terms[1::2]
    return terms[0]


def _in_lanes(terms: Tensor) -> Tensor:
    padded = torch.cat([terms, torch.zeros(-len(terms) % 8, *terms.shape[1:])])
    return _pairs(_one_by_one(padded.reshape(-1, 8, *terms.shape[1:])))


def _four_exactly(terms: Tensor) -> Tensor:
    total = torch.zeros_like(terms[0])
    for start in range(0, len(terms), 4):
        total = (total.double() + terms[start : start + 4].double().sum(0)).float()
    return total


def _four_aligned(terms: Tensor) -> Tensor:
    """As a tensor core adds: all terms of a step cut off at the last place of the largest."""
    total = torch.zeros_like(terms[0])
    for start in range(0, len(terms), 4):
        step = torch.cat([total[None], terms[start : start + 4]]).double()
        unit = 2.0 ** (torch.frexp(step.abs().amax(0)).exponent.double() - 24)
        total = ((step / unit).trunc().sum(0) * unit).float()
    return total


ORDERS: dict[str, tuple[Callable[[Tensor], Tensor], SumOrder]] = {
    "one by one": (_one_by_one, SumOrder(100, "sequential")),
    "backwards": (lambda terms: _one_by_one(terms.flip(0)), SumOrder(100, "sequential", last_first=True)),
    "split in four": (
        lambda terms: _one_by_one(torch.stack([_one_by_one(part) for part in terms.chunk(4)])),
        SumOrder(100, "blocks", 25),
    ),
    "blocks of 16": (
        lambda terms: _one_by_one(torch.stack([_one_by_one(part) for part in terms.split(16)])),
        SumOrder(100, "blocks", 16),
    ),
    "pairwise": (_pairs, SumOrder(100, "pairwise")),
    "eight lanes": (_in_lanes, SumOrder(100, "lanes", 8)),
    "four at once, exactly": (_four_exactly, SumOrder(100, "sequential", at_once=4)),
    "four at once, aligned": (_four_aligned, SumOrder(100, "sequential", at_once=4)),
    "pairs swapped": (
        lambda terms: _one_by_one(terms.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)),
        SumOrder(100, "swapped-pairs"),
    ),
    "in float64": (lambda terms: terms.double().sum(0).float(), SumOrder(100, "wider")),
    "from the middle": (lambda terms: _one_by_one(terms.roll(37, 0)), SumOrder(100, "unknown")),
}


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_read_off_its_sums(name: str, dtype: torch.dtype) -> None:
    add, expected = ORDERS[name]
    assert read_order(lambda left, right: add(_terms(left, right)).to(dtype), dtype, 100) == expected


def test_an_order_that_changes_is_said_to() -> None:
    calls = iter(range(100))

    def multiply(left: Tensor, right: Tensor) -> Tensor:
        terms = _terms(left, right)
        return _one_by_one(terms if next(calls) % 2 else terms.flip(0))

    assert read_order(multiply, torch.float32, 64).order == "changing"


def test_long_sums_are_seen_at_their_ends_too() -> None:
    found = read_order(blocked(torch.matmul, (-1, -2)), torch.float32, 768)
    assert (found.order, found.block) == ("blocks", 48)
    assert read_order(torch.matmul, torch.float32, 10**6).terms == MOST_TERMS


def test_a_device_that_gives_nan_has_no_order() -> None:
    found = read_order(lambda left, right: torch.full((len(left), right.size(1)), torch.nan), torch.float32, 32)
    assert found.order == "unknown"
