"""The record of a run that failed, from the error that ended it."""

from __future__ import annotations

from npu_adapt.errors import RunFailed
from npu_adapt.records import Failure, said_of


def failure_of(error: RunFailed) -> Failure:
    """Where and why it stopped: the message in English, and as its template and values for other languages."""
    said = said_of(error.sentence)
    return Failure(stage=error.stage, kind=error.kind, message=error.message, operator=error.operator, said=said)
