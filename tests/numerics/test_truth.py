"""The float64 truth: the same as a float64 model gives, without making one."""

from __future__ import annotations

import copy
import weakref

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics import products
from npu_adapt.numerics.truth import Float64


class Block(torch.nn.Module):
    """What models do to types: casts in between, masks made on the way, writes into a slice, a table of embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Embedding(11, 8)
        self.inner = torch.nn.Linear(8, 8)
        self.norm = torch.nn.LayerNorm(8)
        self.conv = torch.nn.Conv1d(8, 8, 3, padding=1)
        self.register_buffer("position", torch.randn(5, 8))

    def forward(self, tokens: Tensor) -> Tensor:
        state = self.table(tokens) + self.position[: tokens.size(1)]
        kept = state.dtype
        state = self.norm(self.inner(state).to(torch.float32)).to(kept)
        mask = torch.zeros(5, 5, dtype=state.dtype).masked_fill(torch.ones(5, 5).triu(1) > 0, torch.finfo(kept).min)
        weights = F.softmax(state @ state.transpose(1, 2) + mask, dim=-1, dtype=torch.float32).type_as(state)
        state = F.scaled_dot_product_attention(state, state, weights @ state)
        state = self.conv(state.transpose(1, 2)).transpose(1, 2).float()
        out = torch.zeros(state.shape, dtype=torch.float32)
        out[:, 1:] = F.gelu(state[:, 1:])
        out += state.half().to(kept)
        return out


@pytest.mark.parametrize("slices", [1 << 22, 8], ids=["whole weights", "weights in slices"])
def test_it_is_what_a_float64_model_gives(slices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "SLICE_ELEMENTS", slices)
    torch.manual_seed(0)
    block = Block().eval()
    tokens = torch.tensor([[1, 2, 3, 4, 5]])
    mode = Float64()
    with torch.inference_mode(), mode:
        found = block(tokens)
    with torch.inference_mode(), Float64():
        of_float64_weights = copy.deepcopy(block).double()(tokens)
    assert found.dtype == torch.float64
    assert (mode.operators, mode.without_kernel) == ({"matmul", "conv", "attention"}, {})
    torch.testing.assert_close(found, of_float64_weights, rtol=1e-14, atol=1e-14)
    with torch.inference_mode():
        plain = block(tokens)
    assert 0 < float((plain - found).norm() / found.norm()) < 1e-3  # the model's own cast to half is in there


def test_where_a_model_casts_nothing_it_is_its_float64_copy() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.LayerNorm(16), torch.nn.Linear(16, 4))
    x = torch.randn(3, 8)
    with torch.inference_mode(), Float64():
        found = model(x)
    with torch.inference_mode():
        assert torch.equal(found, copy.deepcopy(model).double()(x.double()))


def test_half_weights_are_taken_as_they_are() -> None:
    layer = torch.nn.Linear(64, 64).bfloat16()
    x = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(), Float64():
        found = layer(x)
    expected = x.double() @ layer.weight.double().T + layer.bias.double()
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)


@torch.library.custom_op("npu_adapt_tests::doubled", mutates_args=())
def doubled(x: Tensor) -> Tensor:
    if x.dtype != torch.float32:
        raise RuntimeError("\"doubled\" not implemented for 'Double'")
    return x * 2


def test_an_operator_without_a_float64_kernel_runs_in_float32_and_is_named() -> None:
    mode = Float64()
    with torch.inference_mode(), mode:
        found = torch.ops.npu_adapt_tests.doubled(torch.ones(3)) + torch.ones(3) / 3
    assert found.dtype == torch.float64
    assert found.tolist() == [2 + 1 / 3] * 3
    assert [name for name in mode.without_kernel if "doubled" in name]


def test_an_operator_that_fails_in_both_types_raises_its_own_error() -> None:
    with pytest.raises(RuntimeError, match="cannot be multiplied"), Float64():
        torch.ones(3, 2) @ torch.ones(3, 2)


def test_parameters_are_not_changed() -> None:
    layer = torch.nn.BatchNorm1d(4).eval()
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    with torch.inference_mode(), Float64():
        layer(torch.randn(2, 4))
    for name, tensor in layer.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name])


def test_the_result_of_a_weights_part_is_given_back_before_the_next_is_made() -> None:
    """Else all widened parts are there at once: their memory lies before that of the results."""
    weight = torch.randn(4096, 1024, generator=torch.Generator().manual_seed(0))
    made: list[weakref.ref[Tensor]] = []
    held = []

    def linear(wide: Tensor, rows: Tensor, _: Tensor | None) -> Tensor:
        held.append(sum(each() is not None for each in made))
        result = F.linear(wide, rows.double())
        made.append(weakref.ref(result))
        return result

    x = torch.ones(2, 1024, dtype=torch.float64)
    found = products.linear_in_slices(linear, x, weight, None)
    assert held == [0, 1, 1, 1]  # the last one's name still holds it
    torch.testing.assert_close(found, x @ weight.double().T)
