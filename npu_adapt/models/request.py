"""Which model is wanted. Each field is the one declaration of its name, type and default. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Source: TypeAlias = Literal["auto", "modelscope", "huggingface"]


@dataclass(frozen=True)
class ModelRequest:
    """Which model is wanted, and where it may come from."""

    model: str
    revision: str | None = None
    source: Source = "auto"
    offline: bool = False
    weights_roots: tuple[Path, ...] = ()
    cache_dir: Path | None = None
    allow_pickle: bool = False
    include: tuple[str, ...] = ()  # patterns of files to have beyond those that are needed
    exclude: tuple[str, ...] = ()
