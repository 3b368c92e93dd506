"""A result that is called sure by the CPU's alone is one that the whole judgement passes, and most right ones are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS
from npu_adapt.numerics.capture import Call
from npu_adapt.numerics.emulation import blocked
from npu_adapt.numerics.floors import in_float32
from npu_adapt.numerics.judgement import judge, judge_by, measures
from npu_adapt.numerics.pieces import sample_of
from npu_adapt.numerics.screening import surely_passes
from tests.numerics.calls import captured, only_call, random

Run = Callable[[torch.dtype], Any]

OPERATORS: dict[str, Run] = {
    "linear": lambda dtype: F.linear(random(5, 96).to(dtype), random(40, 96).to(dtype), random(40).to(dtype)),
    "matmul": lambda dtype: random(3, 24, 64).to(dtype) @ random(3, 64, 16, seed=1).to(dtype),
    "conv2d": lambda dtype: F.conv2d(random(1, 8, 12, 12).to(dtype), random(16, 8, 3, 3).to(dtype)),
    "gelu": lambda dtype: F.gelu(random(40, 64).to(dtype)),
    "add": lambda dtype: random(40, 64).to(dtype) + random(40, 64, seed=1).to(dtype),
    "softmax": lambda dtype: random(40, 64).to(dtype).softmax(-1),
    "layer_norm": lambda dtype: F.layer_norm(random(40, 64).to(dtype), (64,), random(64).to(dtype)),
    "mean": lambda dtype: random(40, 64).to(dtype).mean(-1),
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def call_of(operator: str, dtype: torch.dtype) -> Call:
    """The call alone, of arguments that were made before it."""
    return next(call for call in captured(lambda: OPERATORS[operator](dtype)) if call.operator == operator)


def changed(call: Call) -> Iterator[Tensor]:
    """Results that are off by more and more, before they are rounded: everywhere, in one row and in one element."""
    dtype = call.output.dtype
    wide = call if dtype == torch.float32 else in_float32(call)
    assert wide is not None
    exact = wide.outputs[0]
    noise = torch.randn(exact.shape, generator=torch.Generator().manual_seed(1)) * exact.abs().mean()
    row, element = torch.zeros(exact.shape), torch.zeros(exact.shape)
    row.reshape(-1)[:16], element.reshape(-1)[7] = 1.0, 1.0
    yield call.output.clone()
    for where in (torch.ones(exact.shape), row, element):
        for steps in range(-28, -2, 2):
            yield (exact + where * noise * 2.0**steps).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operator", OPERATORS)
def test_what_is_sure_passes_the_whole_judgement(operator: str, dtype: str) -> None:
    call, arithmetic = call_of(operator, DTYPES[dtype]), ARITHMETICS[dtype]
    measured = tuple(measures(call, arithmetic))
    sure = 0
    for result in changed(call):
        if surely_passes(call, (result,), arithmetic):
            sure += 1
            reading = judge_by(measured, call, (result,))
            assert reading.broken is None and not any(reading.left.values())
    assert sure >= 2  # the CPU's own bits, and at least one other


@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_in_another_order_are_sure(dtype: str) -> None:
    x, weight = random(64, 512).to(DTYPES[dtype]), random(256, 512).to(DTYPES[dtype])
    call = only_call(lambda: F.linear(x, weight))
    result = blocked(F.linear, (-1, -1))(x.float(), weight.float()).to(DTYPES[dtype])
    assert not torch.equal(result, call.output)
    assert surely_passes(call, (result,), ARITHMETICS[dtype])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_one_element_on_the_devices_side_alone_is_not_sure(value: float) -> None:
    call = call_of("linear", torch.float32)
    wrong = call.output.clone()
    wrong[3, 4] = value
    assert not surely_passes(call, (wrong,), ARITHMETICS["float32"])


def test_nan_of_both_sides_is_sure() -> None:
    x = torch.tensor([-1.0, 2.0])
    call = only_call(lambda: torch.sqrt(x))
    assert surely_passes(call, (call.output.clone(),), ARITHMETICS["float32"])


@pytest.mark.parametrize("change", [lambda y: y[:-1], lambda y: y.double()], ids=["shape", "type"])
def test_a_result_of_another_shape_or_type_is_not_sure(change: Callable[[Tensor], Tensor]) -> None:
    call = call_of("linear", torch.float32)
    assert not surely_passes(call, (change(call.output),), ARITHMETICS["float32"])


def test_operands_that_may_be_rounded_are_judged_whole() -> None:
    call = call_of("linear", torch.float32)
    other = torch.nextafter(call.output, call.output + 1)
    assert surely_passes(call, (other,), ARITHMETICS["float32"])
    assert not surely_passes(call, (other,), ARITHMETICS["hf32"])


def test_a_large_call_is_sampled_where_its_result_is_sure() -> None:
    x, weight = random(4, 256), random(512, 256)
    call = only_call(lambda: F.linear(x, weight))
    sample = sample_of(call)
    assert (sample.axis, sample.length, sample.of(call.output).shape) == (1, 64, (4, 64))
    right = judge(call, (call.output.clone(),), ARITHMETICS["float32"])
    assert right.sampled and right.broken is None and right.relative_l2 is not None
    wrong = call.output.clone()
    wrong[2, 500] += 1.0
    found = judge(call, (wrong,), ARITHMETICS["float32"])
    assert not found.sampled and found.broken is not None and found.broken.worst.index == (2, 500)


def test_calls_of_one_kernel_are_sampled_in_turn() -> None:
    x, weight = random(4, 256), random(512, 256)
    call = only_call(lambda: F.linear(x, weight))
    starts = [sample_of(replace(call, index=index)).start for index in range(9)]
    assert starts == [0, 64, 128, 192, 256, 320, 384, 448, 0]


@pytest.mark.parametrize("operator", ["linear", "gelu", "softmax"])
def test_what_is_sure_counts_among_those_that_round_last(operator: str) -> None:
    call = call_of(operator, torch.bfloat16)
    sure = judge(call, (call.output.clone(),), ARITHMETICS["bfloat16"])
    whole = judge_by(measures(call, ARITHMETICS["bfloat16"]), call, (call.output.clone(),))
    assert sure.left == whole.left == {"rounded last": None}
    assert sure.relative_floor == pytest.approx(whole.relative_floor, rel=1e-6)
