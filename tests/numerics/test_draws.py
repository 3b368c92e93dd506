"""Noise from a seed: the same in every type, and nothing else of the process changes."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its name in the field
from torch import Tensor

from npu_adapt.numerics.capture import capturing
from npu_adapt.numerics.draws import Draws


def drawn(dtype: torch.dtype) -> list[Tensor]:
    like = torch.zeros(5, dtype=dtype)
    return [
        torch.randn(3, dtype=dtype), torch.rand_like(like), like.normal_(), torch.randint(0, 9, (4,)),
        torch.randperm(6), torch.multinomial(torch.tensor([0.2, 0.3, 0.5], dtype=dtype), 2),
        torch.distributions.Normal(torch.zeros(2), 1.0).sample(), torch.empty(2, dtype=dtype).uniform_(0, 1),
    ]  # fmt: skip


def test_a_wider_type_gets_the_same_numbers():
    with Draws(3):
        single = drawn(torch.float32)
    with Draws(3):
        double = drawn(torch.float64)
    assert [tensor.double().tolist() for tensor in single] == [tensor.double().tolist() for tensor in double]
    assert double[0].dtype == double[1].dtype == torch.float64


def test_another_seed_draws_other_numbers_and_the_process_none():
    before = torch.get_rng_state()
    with Draws(1):
        one = torch.randn(4)
    with Draws(2):
        other = torch.randn(4)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_dropout_that_was_left_on_stays_random():
    with Draws(1):
        once = F.dropout(torch.ones(64), 0.5, training=True)
    with Draws(1):
        again = F.dropout(torch.ones(64), 0.5, training=True)
    assert not torch.equal(once, again)


def test_whoever_watches_the_operators_sees_none_that_drew():
    class Noisy(torch.nn.Module):
        def forward(self, x):
            with Draws(0):
                return x + torch.randn_like(x) + x.clone().normal_()

    seen = []
    module = Noisy()
    with capturing(module, seen.append):
        module(torch.zeros(3))
    assert not any(call.random for call in seen)
    assert "randn_like" not in [call.operator for call in seen]


def test_a_tensor_that_a_call_names_is_filled():
    with Draws(1):
        filled = torch.nn.init.uniform_(torch.zeros(4), 1.0, 2.0)  # torch passes it on by name
    assert bool((filled >= 1).all())
