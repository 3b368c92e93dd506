"""Calls captured from a few lines of torch, for tests of what judges them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from npu_adapt.numerics.arithmetic import ARITHMETICS, Arithmetic
from npu_adapt.numerics.capture import Call, capturing, tensors_of
from npu_adapt.numerics.judgement import OperatorReading, judge

FLOAT32 = ARITHMETICS["float32"]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


def captured(run: Callable[[], Any]) -> list[Call]:
    """Every call in `run`; arguments and results are kept, so `run` must not change them afterwards."""
    calls: list[Call] = []
    with torch.inference_mode(), capturing(torch.nn.Identity(), calls.append):
        run()
    return calls


def only_call(run: Callable[[], Any]) -> Call:
    (call,) = captured(run)
    return call


def last_call(run: Callable[[], Any]) -> Call:
    """The last call in `run`, which may make its arguments first."""
    return captured(run)[-1]


def reading(run: Callable[[], Any], result: Any, arithmetic: Arithmetic = FLOAT32, **options: Any) -> OperatorReading:
    """What a device shows that gives `result` (a tensor, or what makes one of the CPU's) for the one call in `run`."""
    call = only_call(run)
    if callable(result):
        result = result(call.output.clone())
    return judge(call, tensors_of(result), arithmetic, **options)


def failed_test(*arguments: Any, **options: Any) -> str | None:
    broken = reading(*arguments, **options).broken
    return None if broken is None else broken.test
