"""Numbers for the bits of results: the same for the same bits, and others for any change."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.bit_hashes import MOST_WEIGHTS, ROW, BitHashes, hash_of, hashes_there

TYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool)


def hashed(*tensors: Tensor) -> int:
    return int(hash_of(tensors))


def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    return (values > 0) if dtype == torch.bool else (10 * values).to(dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (5,), (3, ROW), (2, ROW + 1), (2 * MOST_WEIGHTS + 5, 2)])
def test_one_changed_bit_changes_the_number(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = drawn(*shape, dtype=dtype)
    changed = tensor.clone()
    bits = changed.reshape(-1).view(torch.uint8)
    bits[-1] ^= 1
    assert hashed(tensor) == hashed(tensor.clone())
    assert hashed(tensor) != hashed(changed)


def rows_swapped(tensor: Tensor) -> Tensor:
    return tensor[[1, 0, *range(2, len(tensor))]]


@pytest.mark.parametrize(
    "change", [rows_swapped, lambda t: t.flip(1), lambda t: t.roll(1, 0), lambda t: -t, lambda t: t.T.contiguous()]
)
@pytest.mark.parametrize("columns", [3, ROW // 2, ROW])
def test_the_same_values_elsewhere_change_the_number(change: Any, columns: int) -> None:
    tensor = drawn(columns, columns) if columns == 3 else drawn(8, columns)
    assert hashed(tensor) != hashed(change(tensor))


def test_a_layout_does_not_matter_and_bits_do() -> None:
    tensor = drawn(6, 7)
    assert hashed(tensor.T) == hashed(tensor.T.contiguous())
    assert hashed(torch.tensor([0.0])) != hashed(torch.tensor([-0.0]))
    assert hashed(torch.tensor([torch.nan])) == hashed(torch.tensor([torch.nan]))
    assert hashed(torch.complex(tensor, tensor)) != hashed(torch.complex(tensor, -tensor))
    assert hashed(tensor, tensor + 1) != hashed(tensor + 1, tensor)


@pytest.mark.parametrize("on_device", [True, False])
def test_each_call_of_a_forward_has_a_number_and_a_place(on_device: bool) -> None:
    class Model(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.gelu(x.view(-1)) + 1

    watch = BitHashes(on_device)
    vectors = []
    for given in (torch.ones(2, 2), torch.ones(2, 2), torch.zeros(2, 2)):
        with watch.watching(model := Model()):
            model(given)
        vectors.append(watch.vector())
    assert vectors[0] == vectors[1] != vectors[2]
    assert [(place.index, place.operator) for place in watch.places] == [(1, "gelu"), (2, "add")]  # a view is no result


def test_a_device_is_asked_whether_it_counts_as_the_cpu_does() -> None:
    assert all(hashes_there(torch.device("cpu"), dtype) for dtype in (torch.float32, torch.float16, torch.bfloat16))
    assert not hashes_there(torch.device("meta"), torch.float32)
