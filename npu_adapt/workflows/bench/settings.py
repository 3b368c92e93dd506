"""What a row of a benchmark varies, and what all rows are measured and judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from npu_adapt.errors import NpuAdaptError, RunFailed
from npu_adapt.records import Fact
from npu_adapt.timing.loop import Rules
from npu_adapt.workflows.bench.options import BenchOptions
from npu_adapt.workflows.run.forward import Outputs, Side

# The largest relative L2 error of a row against the CPU's float32. Rounding alone takes bfloat16 beyond 1 %.
TOLERANCES = {torch.float32: 0.01, torch.float16: 0.01, torch.bfloat16: 0.05}

# Ids of why a row is wrong, by what is.
WRONG = {"output": "wrong-output", "tokens": "wrong-tokens"}
NOT_FINITE = {"output": "output-not-finite", "tokens": "tokens-not-finite"}


DEFAULT_PRECISION = 0.01
DEFAULT_MAX_SECONDS = 30.0  # a row that does not become precise in this time says so


@dataclass(frozen=True)
class Setting:
    """What one row varies. `attention` None: as the model was loaded."""

    dtype: torch.dtype
    attention: str | None
    mode: str
    threads: int
    batch_size: int


@dataclass(frozen=True)
class Reference:
    """The CPU's float32 forward that every row is checked against."""

    side: Side
    outputs: Outputs  # of the first sample


@dataclass(frozen=True)
class Measurement:
    """How all rows are measured."""

    rules: Rules
    reference: Reference
    rival: Side | None  # what every row is measured in turns with
    with_limits: bool
    with_pace: bool  # whether the processor's pace is measured with every row


def rules_of(options: BenchOptions) -> Rules:
    """`iterations` alone means exactly that many; otherwise until precise, or out of time."""
    counted = options.iterations is not None
    return Rules(
        iterations=options.iterations,
        precision=options.precision if counted else options.precision or DEFAULT_PRECISION,
        max_seconds=options.max_seconds if counted else options.max_seconds or DEFAULT_MAX_SECONDS,
        warmup=options.warmup,
    )


def wrongness(error: float | None, dtype: torch.dtype, *, of: str = "output") -> Fact | None:
    """Why an error against the CPU's float32 is too large for `dtype`; None where it is not. None is not finite.

    `of` is what has the error: the "output" of the forward, or the "tokens" written with the cache.
    """
    limit = TOLERANCES.get(dtype, 0.01)
    if error is None:
        return Fact(NOT_FINITE[of], {"limit": limit})
    return None if error <= limit else Fact(WRONG[of], {"relative_l2": error, "limit": limit})


def failure_reason(error: NpuAdaptError) -> Fact:
    """Why a row failed: where, of which class, and the error's own words."""
    if isinstance(error, RunFailed):
        return Fact("row-failed", {"stage": error.stage, "class": error.kind, "message": error.message})
    return Fact("row-refused", {"message": error.message})


def reason_fields(reason: Fact | None) -> dict[str, Any]:
    """A row's reason as fields of a log line."""
    return {} if reason is None else {"reason": reason.id, **reason.values}
