"""What `compare` takes beyond a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

DEFAULT_TOLERANCE = 1e-5  # both rtol and atol, where the user gives none: Polygraphy's

RuleName: TypeAlias = Literal["noise-floor", "field", "tolerance"]
Mode: TypeAlias = Literal["eager", "compile", "graph"]
HeldTo: TypeAlias = Literal["auto", "float32", "hf32", "float16", "bfloat16"]
TokenCount: TypeAlias = Annotated[int, Meta(ge=1, le=4096)]  # their logits are held in memory
SoakSeconds: TypeAlias = Annotated[float, Meta(gt=0, le=2_592_000)]  # up to thirty days
Tolerance: TypeAlias = Annotated[float, Meta(ge=0, le=1e300)]


@dataclass(frozen=True)
class CompareOptions:
    """How a comparison is measured and judged, and what is kept of it."""

    reference: str = "cpu"
    rule: RuleName = "noise-floor"
    rtol: Tolerance | None = None
    atol: Tolerance | None = None
    arithmetic: HeldTo = "auto"
    mode: tuple[Mode, ...] = ("eager",)  # eager always runs: the others are held to it
    fast: bool = False
    save_outputs: Path | None = None
    baseline: Path | None = None
    soak: SoakSeconds | None = None  # of forwards under load. None: none
    repro: Path | None = None  # where failing operators are written to be handed on. None: nowhere
    generate: TokenCount | None = None  # tokens that both sides write; None: none
    original: str | None = None  # the model that a quantised one was made from; None: what quantising lost is not known
    accumulate: bool = False  # how errors accumulate over depth, for a picture, even where nothing failed

    @property
    def further_modes(self) -> tuple[Mode, ...]:
        """Those that were asked for beyond eager."""
        return tuple(mode for mode in self.mode if mode != "eager")

    @property
    def tolerances(self) -> tuple[float, float]:
        """(rtol, atol) of the tolerance rule."""
        if self.rtol is None or self.atol is None:
            return DEFAULT_TOLERANCE, DEFAULT_TOLERANCE
        return self.rtol, self.atol
