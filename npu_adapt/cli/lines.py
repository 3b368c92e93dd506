"""Progress where nobody watches: a line for what is said, and now and then one for how far it has come.

Without Rich, which costs a short command more to load than to draw.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from npu_adapt import rounding
from npu_adapt.errors import Sentence
from npu_adapt.progress import SILENT_STEP, Said, Step
from npu_adapt.report.document import printable
from npu_adapt.report.language import spoken
from npu_adapt.report.phrases import Language

LINE_EVERY = 10.0  # seconds between two lines about one step


class _Lines:
    """Says how far a step that counts bytes has come, every so often."""

    def __init__(self, lines: PlainLines, description: str, total: float | None) -> None:
        self._lines = lines
        self._description, self._total = description, total
        self._done = 0.0
        self._began = self._said = time.monotonic()

    def advance(self, amount: float) -> None:
        self._done += amount
        now = time.monotonic()
        if now - self._said < LINE_EVERY:
            return
        self._said = now
        rate = self._done / (now - self._began)
        far = Sentence(
            "{step}: {done}, {rate}/s",
            step=self._description,
            done=rounding.size(int(self._done)),
            rate=rounding.size(int(rate)),
        )
        if self._total and rate > 0:
            far = Sentence(
                "{far}, {share:.0%} of {total}, {left:.0f} s left",
                far=far,
                share=self._done / self._total,
                total=rounding.size(int(self._total)),
                left=max(0.0, self._total - self._done) / rate,
            )
        self._lines.say(far)

    def update(self, *, description: str | None = None, total: float | None = None) -> None:
        self._description = description or self._description
        self._total = self._total if total is None else total


class PlainLines:
    """Lines for a file or a pipe: what is said, and how far bytes have come."""

    def __init__(self, stream: TextIO, language: Language = "en") -> None:
        self._stream = stream
        self._language = language

    @contextmanager
    def task(self, description: Said, total: float | None = None, unit: str = "") -> Iterator[Step]:
        yield _Lines(self, spoken(description, self._language), total) if unit == "bytes" else SILENT_STEP

    def say(self, message: Said) -> None:
        self._stream.write(printable(spoken(message, self._language)) + "\n")
        self._stream.flush()
