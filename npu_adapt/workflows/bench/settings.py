"""What a row of a benchmark varies, and what all rows are measured and judged by."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from npu_adapt.timing.loop import Rules
from npu_adapt.workflows.run.forward import Outputs, Side

# The largest relative L2 error of a row against the CPU's float32. Rounding alone takes bfloat16 beyond 1 %.
TOLERANCES = {torch.float32: 0.01, torch.float16: 0.01, torch.bfloat16: 0.05}


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


def wrongness(error: float | None, dtype: torch.dtype, *, what: str = "relative L2") -> str:
    """Why an error against the CPU's float32 is too large for `dtype`; "" where it is not. None is not finite."""
    limit = TOLERANCES.get(dtype, 0.01)
    if error is not None and error <= limit:
        return ""
    size = "not finite" if error is None else f"{error:.3g}"
    return f"{what} against the CPU's float32 is {size}, above {limit:.3g}"
