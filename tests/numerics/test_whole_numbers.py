"""Replays of whole numbers: right in every arithmetic and order of sums, and wrong wherever something is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS, ArithmeticByClass
from npu_adapt.numerics.capture import Call, tensors_of
from npu_adapt.numerics.emulation import Emulation, emulate
from npu_adapt.numerics.whole_number_calls import LEAST_ELEMENTS, WholeNumberCalls
from npu_adapt.numerics.whole_numbers import WholeNumbers, of_whole_numbers
from tests.numerics.calls import last_call, only_call, random

HALVES = (torch.float32, torch.float16, torch.bfloat16)


def _attended(dtype: torch.dtype, **options: Any) -> Tensor:
    query, key, value = (random(2, 4, size, 32, seed=seed).to(dtype) for seed, size in ((0, 20), (1, 24), (2, 24)))
    return F.scaled_dot_product_attention(query, key, value, **options)


def _mask(dtype: torch.dtype) -> Tensor:
    """A relative bias, and nothing after the query's own place."""
    return random(1, 1, 20, 24).to(dtype).masked_fill(torch.ones(20, 24).triu(1).bool(), -10000.0)


OPERATORS: dict[str, Callable[[torch.dtype], Any]] = {
    "linear": lambda t: F.linear(random(2, 7, 48).to(t), random(33, 48).to(t), random(33).to(t)),
    "long sums": lambda t: F.linear(random(3, 5000).to(t), random(4, 5000).to(t)),
    "matmul": lambda t: torch.matmul(random(2, 3, 9, 16).to(t), random(2, 3, 16, 5).to(t)),
    "transposed": lambda t: torch.matmul(random(9, 16).to(t), random(5, 16).to(t).T),
    "itself": lambda t: torch.mm(*[random(8, 8).to(t)] * 2),
    "baddbmm": lambda t: torch.baddbmm(random(2, 4, 6).to(t), random(2, 4, 8).to(t), random(2, 8, 6).to(t), alpha=0.25),
    "einsum": lambda t: torch.einsum("bhqd,bhkd->bhqk", random(1, 2, 5, 8).to(t), random(1, 2, 7, 8).to(t)),
    "conv2d": lambda t: F.conv2d(random(2, 3, 12, 12).to(t), random(8, 3, 3, 3).to(t), random(8).to(t), padding=1),
    "channels last": lambda t: F.conv2d(
        random(1, 8, 9, 9).to(t).to(memory_format=torch.channels_last), random(8, 8, 3, 3).to(t)
    ),
    "depthwise": lambda t: F.conv2d(random(1, 8, 9, 9).to(t), random(8, 1, 3, 3).to(t), groups=8),
    "conv_transpose2d": lambda t: F.conv_transpose2d(random(1, 4, 5, 5).to(t), random(4, 6, 2, 2).to(t), stride=2),
    "attention": _attended,
    "causal": lambda t: _attended(t, is_causal=True),
    "masked": lambda t: _attended(t, attn_mask=_mask(t)),
    "few channels": lambda t: F.scaled_dot_product_attention(*(random(1, 2, 50, 8, seed=i).to(t) for i in range(3))),
    "grouped": lambda t: F.scaled_dot_product_attention(
        random(1, 4, 20, 32).to(t), *(random(1, 2, 24, 32, seed=i).to(t) for i in (1, 2)), enable_gqa=True
    ),
}


def _made(run: Callable[[torch.dtype], Any], dtype: torch.dtype = torch.float32) -> WholeNumbers:
    found = of_whole_numbers(last_call(lambda: run(dtype)))
    assert found is not None
    return found


def _computed(whole: WholeNumbers, change: Callable[[Call], Any] = lambda call: call.again(lambda leaf: leaf)) -> Any:
    with torch.inference_mode():
        return whole.broken(tensors_of(change(whole.call)))


@pytest.mark.core
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("name", OPERATORS)
def test_a_correct_operator_is_right_to_the_bit(name: str, dtype: torch.dtype) -> None:
    whole = _made(OPERATORS[name], dtype)
    assert whole.expected.abs().max() > 1 and _computed(whole) is None


@pytest.mark.parametrize("name", OPERATORS)
def test_every_arithmetic_and_order_of_sums_is_right(name: str) -> None:
    whole = _made(OPERATORS[name])
    for arithmetic in ARITHMETICS:
        for variant in (Emulation(ArithmeticByClass.uniform(arithmetic), fused, fused) for fused in (False, True)):
            with torch.inference_mode(), emulate(variant):
                result = whole.call.again(lambda leaf: leaf)
            assert whole.broken(tensors_of(result)) is None, variant


@pytest.mark.parametrize("name", OPERATORS)
def test_operands_have_the_layout_of_the_calls(name: str) -> None:
    call = last_call(lambda: OPERATORS[name](torch.float32))
    whole = of_whole_numbers(call)
    assert whole is not None
    given = [(each.shape, each.stride(), each.dtype) for each in call.inputs]
    assert [(each.shape, each.stride(), each.dtype) for each in whole.call.inputs] == given


def _with(call: Call, at: int, change: Callable[[Tensor], Tensor]) -> Any:
    args = list(call.args)
    args[at] = change(args[at])
    return call.function(*args, **call.kwargs)


def _last_zero(tensor: Tensor) -> Tensor:
    changed = tensor.clone()
    changed[..., -1] = 0
    return changed


# What is wrong with one operator: (operator, what its device does).
FAULTS: dict[str, tuple[str, Callable[[Call], Any]]] = {
    "last term not summed": ("linear", lambda call: _with(call, 0, _last_zero)),
    "one of 5000 terms not summed": ("long sums", lambda call: _with(call, 0, _last_zero)),
    "bias dropped": ("linear", lambda call: F.linear(*call.args[:2])),
    "a term read twice": ("matmul", lambda call: _with(call, 0, lambda x: torch.cat([x[..., :1], x[..., :-1]], -1))),
    "alpha ignored": ("baddbmm", lambda call: torch.baddbmm(*call.args)),
    "padding by a copy": ("conv2d", lambda call: F.conv2d(F.pad(call.args[0], (1,) * 4, "replicate"), *call.args[1:3])),
    "filters flipped": ("conv2d", lambda call: _with(call, 1, lambda w: w.flip(-1))),
    "groups swapped": ("depthwise", lambda call: _with(call, 1, lambda w: w.roll(1, 0))),
    "keys off by one": ("attention", lambda call: _with(call, 2, lambda v: v.roll(1, -2))),
    "last key not seen": ("few channels", lambda call: call.function(*(x[..., :-1, :] for x in call.args))),
    "mask ignored": ("masked", lambda call: call.function(*call.args)),
    "mask off by one": (
        "causal",
        lambda call: call.function(*call.args, attn_mask=torch.ones(20, 24).tril(1).bool()),
    ),
    "heads of a group swapped": ("grouped", lambda call: _with(call, 2, lambda v: v.flip(1))),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_left_out_or_misplaced_shows(name: str) -> None:
    operator, change = FAULTS[name]
    whole = _made(OPERATORS[operator])
    broken = _computed(whole, change)
    assert broken is not None and broken.test == "whole-numbers"


def test_results_of_another_shape_are_wrong() -> None:
    whole = _made(OPERATORS["linear"])
    assert whole.broken((whole.expected[:1],)) is not None
    assert whole.broken((whole.expected.half(),)) is not None


NOT_REPLAYED: dict[str, Callable[[], Any]] = {
    "adds": lambda: random(4).add(1),
    "multiplies complex numbers": lambda: torch.matmul(torch.ones(2, 2) + 0j, torch.ones(2, 2) + 0j),
    "has a factor that is no power of two": lambda: torch.addmm(*(random(4, 4, seed=i) for i in range(3)), alpha=0.3),
    "has more keys than codes": lambda: F.scaled_dot_product_attention(*(random(1, 1, 40, 4) for _ in range(3))),
    "is in float64": lambda: torch.mm(random(2, 2).double(), random(2, 2).double()),
}


@pytest.mark.parametrize("name", NOT_REPLAYED)
def test_what_has_no_exact_whole_numbers_is_left_alone(name: str) -> None:
    assert of_whole_numbers(last_call(NOT_REPLAYED[name])) is None


def test_a_call_too_large_for_its_model_is_not_replayed_once_more() -> None:
    row, weight = torch.ones(1, 8), torch.zeros(1).expand(LEAST_ELEMENTS // 8, 8)
    call = only_call(lambda: F.linear(row, weight))
    small, large = WholeNumberCalls(), WholeNumberCalls(parameters=64 * LEAST_ELEMENTS)
    assert small.of(call) is None and list(small.too_large) == ["linear"]
    assert large.of(call) is not None and not large.too_large


def test_calls_of_one_kernel_share_their_whole_numbers() -> None:
    made = WholeNumberCalls()
    first, second, other = (last_call(lambda rows=rows: F.linear(random(rows, 8), random(4, 8))) for rows in (4, 4, 5))
    found = [made.of(call) for call in (first, second, other)]
    assert all(found)
    expected = [whole.expected for whole in found if whole is not None]
    assert expected[0] is expected[1] and expected[0].shape != expected[2].shape
