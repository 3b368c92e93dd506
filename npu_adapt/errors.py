"""Every failure a user can meet: what happened, what to do next, and the exit code that says which kind it was.

Exit codes are part of the command-line contract; `ExitCode` is their only definition. A failed verdict is a
result, not an exception: commands return `ExitCode.VERDICT_FAILED` for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What the process says to its caller."""

    PASSED = 0
    BUG = 1
    USAGE = 2
    VERDICT_FAILED = 3
    NO_DEVICE = 4
    MODEL = 5
    RUN_FAILED = 6
    INTERRUPTED = 130


class Sentence(str):
    """A text for a person in English, which keeps its template and its values to be said in another language.

    `Sentence("{path} is empty", path=path)` is the string; `report.phrases.messages` has the words of each template.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> Sentence:
        sentence = super().__new__(cls, template.format(**values))
        sentence.template, sentence.values = template, values
        return sentence

    def __getnewargs_ex__(self) -> tuple[tuple[str], Mapping[str, Any]]:
        return (self.template,), self.values

    @classmethod
    def joined(cls, between: str, texts: Iterable[str]) -> Sentence:
        """The texts, one after another."""
        named = {f"part_{number}": text for number, text in enumerate(texts)}
        return cls(between.join(f"{{{name}}}" for name in named), **named)


class NpuAdaptError(Exception):
    """Base of every expected failure. `str(error)` is one sentence; `hint` says what to do next, `kind` its class.

    Both are plain English, for programs and records; `sentence` and `advice` are the same for people, as they were
    raised: a `Sentence` where they hold values.
    """

    exit_code = ExitCode.RUN_FAILED
    kind: str = "other"

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = str(message), str(hint)
        self.sentence, self.advice = message, hint


class UsageError(NpuAdaptError):
    """The command cannot mean what was typed: options, inputs, an unusable logs folder, a foreign summary."""

    exit_code = ExitCode.USAGE
    kind = "usage"


class UserCodeFailed(UsageError):
    """A file of the user's, run because the user named it, raised something. `traceback` is its own."""

    kind = "adapter-failed"

    def __init__(self, message: str, *, hint: str, traceback: str) -> None:
        super().__init__(message, hint=hint)
        self.traceback = traceback


class SummaryUnreadable(UsageError):
    """A summary is torn, from a newer schema, or somebody else's JSON."""


class EvidenceNotWritten(UsageError):
    """The logs folder did not take the evidence of a run that has ended. `summary` is what could not be written."""

    kind = "evidence-not-written"

    def __init__(self, message: str, *, hint: str, summary: Any) -> None:
        super().__init__(message, hint=hint)
        self.summary = summary


class DeviceUnavailable(NpuAdaptError):
    """The device asked for cannot be used on this machine, or the environment around it is broken."""

    exit_code = ExitCode.NO_DEVICE
    kind = "no-device"


@dataclass(frozen=True)
class Attempt:
    """One place that was tried for a model, and what came of it: a fact, and the clause that says it in a message."""

    place: str
    id: str  # found, not-there, …: its words are the phrase "attempt-ID"
    message: str
    values: Mapping[str, Any] = field(default_factory=dict)


class ModelError(NpuAdaptError):
    """The model is missing, incomplete, corrupt or not really pretrained.

    `attempts` are the places that were tried before it was raised, in order; `kind` is the class of the failure where
    it is a closer one than the error's own.
    """

    exit_code = ExitCode.MODEL
    kind = "model-unusable"

    def __init__(self, message: str, *, hint: str, attempts: tuple[Attempt, ...] = (), kind: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.attempts = attempts
        self.kind = kind or self.kind


class ModelNotFound(ModelError):
    """No place that was tried holds the model."""

    kind = "model-not-found"


class HubsUnreachable(ModelError):
    """No hub that was asked tells anything: what is on this disk may still do."""

    kind = "hubs-unreachable"


class ModelCorrupt(ModelError):
    """Files are there, and they are not what they should be: cut short, flipped, a shard missing."""

    kind = "model-corrupt"


class NotPretrained(ModelError):
    """The checkpoint does not hold the weights of a part that the task uses."""

    kind = "not-pretrained"


class RunFailed(NpuAdaptError):
    """The model did not run to its end on the device.

    `stage` is where it stopped ("load", "transfer", "forward", "synchronize", …), `kind` the class of the failure
    ("out-of-memory", "operator-not-supported", "device-lost", "timeout", "initialisation", "nan-output", "other"),
    `operator` the operator's name where the backend tells it.
    """

    exit_code = ExitCode.RUN_FAILED

    def __init__(self, message: str, *, hint: str, stage: str, kind: str, operator: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.stage = stage
        self.kind = kind
        self.operator = operator


NAMES_SHOWN = 5


def few(names: Sequence[str]) -> str:
    """The first of many names, and how many more there are."""
    shown = ", ".join(names[:NAMES_SHOWN])
    if len(names) <= NAMES_SHOWN:
        return shown
    return Sentence("{names} and {count} more", names=shown, count=len(names) - NAMES_SHOWN)


def said(error: BaseException) -> str:
    """What an exception says on one line, after its type."""
    name, line = type(error).__name__, first_line(error)
    return line if line.startswith(name) else f"{name}: {line}"


LONGEST_LINE = 300  # characters of somebody else's message that are shown
_SAYS_LITTLE = (KeyError, AttributeError, TypeError, IndexError, AssertionError, NameError)


def text_of(error: BaseException) -> str:
    """What the exception says; the name of its type where it cannot even do that."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - it is somebody else's code
        return type(error).__name__


def first_line(error: BaseException) -> str:
    """The first line that an exception says, with its type where the text alone says nothing (a `KeyError`).

    A line that ends with a colon announces the next, which is what it says.
    """
    lines = [line.strip() for line in text_of(error).splitlines() if line.strip()]
    line = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    name = type(error).__name__
    if isinstance(error, _SAYS_LITTLE) or not line:
        line = f"{name}: {line}" if line else name
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"
