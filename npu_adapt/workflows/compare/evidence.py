"""What a verdict is given on: both sides' outputs and everything measured beside them, before anything is judged."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from npu_adapt.records import (
    ArithmeticReport,
    CompareLatency,
    Dequantised,
    Fact,
    Generation,
    ModeOutcome,
    Overlap,
    QuantisationLoss,
    Repeats,
    Repro,
    Soak,
)
from npu_adapt.workflows.compare.alone import Operators
from npu_adapt.workflows.compare.floor import NoiseFloor
from npu_adapt.workflows.run.behaviour import RANDOM_SPREAD
from npu_adapt.workflows.run.forward import Outputs


@dataclass(frozen=True)
class Evidence:
    """All that was measured in one comparison, or read from what it saved."""

    reference: tuple[Outputs, ...]  # sample by sample
    candidate: tuple[Outputs, ...]  # likewise
    class_scores: str | None  # the output that holds them; None: the task has none
    dtype: torch.dtype  # of the run
    reference_device: str
    rehearsed: bool
    floor: NoiseFloor | None = None  # None: not measured (--fast), or of a random model
    arithmetic: ArithmeticReport | None = None  # None: not probed (--fast)
    finer_hint: str = ""  # the id of what makes the device compute in float32; empty: nothing is known
    repeats: Repeats | None = None  # None: one forward only (--fast)
    latency: CompareLatency | Fact | None = None  # a fact: why it was not measured; None: --fast
    operators: Operators = field(default_factory=Operators)
    modes: tuple[ModeOutcome, ...] = ()  # beyond eager
    dequantised: Dequantised | None = None  # None: not quantised, or a rehearsal
    quantisation_loss: QuantisationLoss | None = None  # None: not asked for
    left_out: tuple[Fact, ...] = ()
    repro: Repro | None = None  # None: not asked for
    soak: Soak | None = None  # None: not asked for, or of a random model
    overlaps: tuple[Overlap, ...] = ()  # of boxes and masks; empty: the task has none
    generation: Generation | None = None  # None: not asked for, or of a random model

    @property
    def is_random(self) -> bool:
        """Whether the model gives another result each time on the reference itself, by chance or for its state."""
        spread = None if self.repeats is None else self.repeats.reference_spread
        return spread is not None and spread > RANDOM_SPREAD
