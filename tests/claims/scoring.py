"""Texts with known defects, and how many of them an audit finds. A label is an id and a line; 0: any line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from npu_adapt.claims.audit import audit_text
from npu_adapt.claims.finding import Found

TEXTS = Path(__file__).parents[1] / "data" / "audit"


@dataclass(frozen=True)
class Score:
    """What was found of one text, what was not, and what is not there."""

    name: str
    found: int
    missed: tuple[tuple[str, int], ...]
    false: tuple[Found, ...]


def score(folder: str) -> list[Score]:
    """The texts of one folder by name."""
    labels = json.loads((TEXTS / folder / "labels.json").read_text(encoding="utf-8"))
    return [_score(folder, name, [(id, line) for id, line in known]) for name, known in labels.items()]


def _score(folder: str, name: str, known: list[tuple[str, int]]) -> Score:
    left = list(audit_text((TEXTS / folder / name).read_text(encoding="utf-8")))
    missed = []
    for id, line in known:
        hit = next(
            (each for each in left if each.id == id and (not line or line in [at for at, _ in each.places])), None
        )
        if hit is None:
            missed.append((id, line))
        else:
            left.remove(hit)
    return Score(f"{folder}/{name}", len(known) - len(missed), tuple(missed), tuple(left))
