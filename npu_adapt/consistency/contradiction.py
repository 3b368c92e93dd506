"""One figure that is not what it derives from, and how two figures are compared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

RELATIVE = 1e-9  # sums and quotients of the same numbers, in whatever order


@dataclass(frozen=True)
class Contradiction:
    """A field, what is recorded there, and what follows from the fields that it derives from."""

    field: str
    recorded: Any
    derived: Any
    source: str  # the fields it derives from


def same(one: Any, other: Any) -> bool:
    """Equal: numbers within rounding, tuples element by element."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=1e-300)
    if isinstance(one, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def held(field: str, recorded: Any, derived: Any, source: str, *, copied: bool = False) -> Iterator[Contradiction]:
    """Nothing where the two are the same; of a figure that is `copied`, to the last bit."""
    if recorded != derived if copied else not same(recorded, derived):
        yield Contradiction(field, recorded, derived, source)
