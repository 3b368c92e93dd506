"""What a forward's capture sees: each torch function once, with what it was given and where it stood."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from npu_adapt.numerics.capture import capturing
from tests.numerics.calls import captured, only_call, random


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(4, 4)
        self.act = nn.ReLU(inplace=True)
        self.norm = nn.LayerNorm(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.act(self.dense(x)) + x)


def test_each_call_has_the_innermost_module_that_runs():
    model = nn.Sequential(Block(), Block()).eval()
    seen = []
    x = torch.ones(2, 4)
    with torch.inference_mode(), capturing(model, lambda call: seen.append((call.index, call.module, call.operator))):
        model(x)
    assert seen == [
        (0, "0.dense", "linear"),
        (1, "0.act", "relu"),
        (2, "0", "add"),
        (3, "0.norm", "layer_norm"),
        (4, "1.dense", "linear"),
        (5, "1.act", "relu"),
        (6, "1", "add"),
        (7, "1.norm", "layer_norm"),
    ]


def test_hooks_are_gone_afterwards_even_when_the_forward_fails():
    model = nn.Sequential(nn.Linear(4, 4))
    with pytest.raises(RuntimeError, match="shapes"), capturing(model, lambda call: None):
        model(torch.ones(2, 5))
    assert not model[0]._forward_hooks and not model[0]._forward_pre_hooks


def test_a_module_that_fails_and_is_caught_does_not_keep_its_name():
    class Trying(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            try:
                return self.inner(x)
            except RuntimeError:
                return x + 1

    seen = []
    model, x = Trying(), torch.ones(2, 5)
    with torch.inference_mode(), capturing(model, lambda call: seen.append((call.module, call.operator))):
        model(x)
    assert seen == [("Trying", "add")]


def test_an_operator_in_place_keeps_what_it_overwrote():
    x = torch.tensor([-1.0, 2.0])
    call = only_call(lambda: F.relu(x, inplace=True))
    assert call.in_place
    assert call.args[0].tolist() == [-1.0, 2.0]
    assert call.output.tolist() == [0.0, 2.0]
    assert call.again(lambda leaf: leaf).tolist() == [0.0, 2.0]
    assert call.again(lambda leaf: leaf).tolist() == [0.0, 2.0]
    assert call.args[0].tolist() == [-1.0, 2.0]


def test_an_operator_in_place_on_its_own_transpose_keeps_both_as_they_were():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    other = x[:, 0]
    seen = []
    with torch.inference_mode(), capturing(nn.Identity(), seen.append):
        x.mul_(other)
    (call,) = seen
    assert call.args[1].tolist() == [1.0, 3.0]
    assert call.again(lambda leaf: leaf).tolist() == [[1.0, 6.0], [3.0, 12.0]]


def test_item_assignment_gives_the_tensor_that_was_changed():
    x = torch.zeros(3)

    def assign() -> None:
        x[1:] = 5.0

    call = only_call(assign)
    assert (call.operator, call.args[0].tolist(), call.output.tolist()) == ("setitem", [0, 0, 0], [0, 5, 5])


def test_an_out_argument_is_not_written_by_a_replay():
    out = torch.zeros(2)
    one = torch.ones(2)
    call = only_call(lambda: torch.add(one, one, out=out))
    out.zero_()
    assert call.again(lambda leaf: leaf).tolist() == [2.0, 2.0]
    assert out.tolist() == [0.0, 0.0]


def test_names_join_what_is_one_operator():
    x, y = random(2, 3), random(2, 3)
    runs = [lambda: x + y, lambda: 1 + x, lambda: x.add(y), lambda: torch.add(x, y), lambda: x.clone().add_(y)]
    assert [captured(run)[-1].operator for run in runs] == ["add"] * 5
    assert only_call(lambda: x.T).operator == "T"
    assert only_call(lambda: x[0]).operator == "getitem"


def test_calls_without_a_tensor_are_left_out():
    x = random(2, 3)
    assert [call.operator for call in captured(lambda: (x.shape, x.dim(), x.size(0), x.dtype, x.sum().item()))] == [
        "sum"
    ]


def test_random_numbers_are_noticed_whoever_draws_them():
    x = torch.ones(4)
    assert only_call(lambda: F.dropout(x, 0.5, training=True)).random
    assert not only_call(lambda: F.dropout(x, 0.5, training=False)).random
    assert only_call(lambda: torch.bernoulli(x)).random


def test_tensors_that_stand_for_a_batch_are_left_out():
    x = random(2, 3)
    operators = [call.operator for call in captured(lambda: torch.vmap(lambda row: row * 2)(x))]
    assert "mul" not in operators
