"""What a user may ask of a bundle. Each field is the one declaration of its name, type and default. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Layout: TypeAlias = Literal["contest", "modelzoo"]


@dataclass(frozen=True)
class BundleRequest:
    """Where a bundle is written, and what it holds."""

    bundle: Path | None = None  # None: none is
    layout: Layout = "contest"
