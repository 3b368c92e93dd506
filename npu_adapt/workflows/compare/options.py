"""What `compare` takes beyond a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_TOLERANCE = 1e-5  # both rtol and atol, where the user gives none: Polygraphy's


@dataclass(frozen=True)
class CompareOptions:
    """How a comparison is measured and judged, and what is kept of it."""

    reference: str = "cpu"
    rule: str = "noise-floor"
    rtol: float | None = None
    atol: float | None = None
    arithmetic: str = "auto"
    fast: bool = False
    save_outputs: Path | None = None
    baseline: Path | None = None
    accumulate: bool = False  # how errors accumulate over depth, for a picture, even where nothing failed

    @property
    def tolerances(self) -> tuple[float, float]:
        """(rtol, atol) of the tolerance rule."""
        if self.rtol is None or self.atol is None:
            return DEFAULT_TOLERANCE, DEFAULT_TOLERANCE
        return self.rtol, self.atol
