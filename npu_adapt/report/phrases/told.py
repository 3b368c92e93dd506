"""The four texts of a finding, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from npu_adapt.report.phrases.phrase import Phrase


class Told(NamedTuple):
    """What is said of one finding."""

    found: Phrase
    wanted: Phrase
    why: Phrase
    fix: Phrase


def same(text: str) -> Phrase:
    """A command, a name or a value: the same in both languages."""
    return Phrase(text, text)


def finding_phrases(findings: Mapping[str, Told]) -> dict[str, Phrase]:
    """The phrases "finding-ID-found", "finding-ID-wanted", …"""
    return {f"finding-{name}-{part}": text for name, told in findings.items() for part, text in told._asdict().items()}
