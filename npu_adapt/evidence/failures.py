"""The record of a run that failed, from the error that ended it."""

from __future__ import annotations

from npu_adapt.errors import RunFailed, Sentence
from npu_adapt.records import Fact, Failure, Value


def failure_of(error: RunFailed) -> Failure:
    """Where and why it stopped: the message in English, and as its template and values for other languages."""
    said = None
    if isinstance(error.sentence, Sentence):
        said = Fact(error.sentence.template, {name: _plain(value) for name, value in error.sentence.values.items()})
    return Failure(stage=error.stage, kind=error.kind, message=error.message, operator=error.operator, said=said)


def _plain(value: object) -> Value:
    return value if isinstance(value, bool | int | float) else str(value)
