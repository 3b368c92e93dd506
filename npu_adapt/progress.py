"""What a long step tells the person who waits. Workflows report to a `Progress`; the command line draws it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeAlias

from npu_adapt.records import Fact, Value

Said: TypeAlias = "str | Fact"  # a fact is said in the language of who waits, by the phrase "progress-ID"


def doing(id: str, **values: Value) -> Fact:
    """What is being done, or said meanwhile: its words are the phrase "progress-ID"."""
    return Fact(id, values)


class Step(Protocol):
    """One running step: a bar, where there is somebody to see it."""

    def advance(self, amount: float) -> None:
        """`amount` more is done, in the step's unit."""

    def update(self, *, description: str | None = None, total: float | None = None) -> None:
        """Change what the step is called or how much there is to do."""


class Progress(Protocol):
    """Where workflows say what they are doing. Nothing here may end on stdout."""

    def task(self, description: Said, total: float | None = None, unit: str = "") -> AbstractContextManager[Step]:
        """A step that lasts as long as the context. `total` None: its length is unknown. Unit "bytes" shows a rate."""

    def say(self, message: Said) -> None:
        """One line that stays on the screen."""


class _SilentStep:
    def advance(self, amount: float) -> None:
        pass

    def update(self, *, description: str | None = None, total: float | None = None) -> None:
        pass


SILENT_STEP: Step = _SilentStep()


class Silent:
    """A `Progress` for nobody: libraries, tests, `--quiet`."""

    @contextmanager
    def task(self, description: Said, total: float | None = None, unit: str = "") -> Iterator[Step]:
        yield SILENT_STEP

    def say(self, message: Said) -> None:
        pass
