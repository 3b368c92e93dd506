"""Which paths a hub's cache owns. Only these are ever deleted."""

from __future__ import annotations

from pathlib import Path

from npu_adapt.models.hubs.hub import Removal
from npu_adapt.records import Fact

OUTSIDE = Removal(kept=Fact("outside-cache"))


def owned_part(path: Path, cache: Path) -> tuple[str, ...] | None:
    """The parts of `path` below `cache`; None where it lies elsewhere, or a link or ".." leads there.

    The cache itself may be a link: where it leads is its owner's choice.
    """
    if not path.is_absolute() or ".." in path.parts:
        return None
    for root in (cache, cache.resolve()):
        if path != root and path.is_relative_to(root):
            part = path.relative_to(root)
            return part.parts if path.resolve() == root.resolve() / part else None
    return None
