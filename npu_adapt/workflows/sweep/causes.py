"""Why a model failed, by the way its command ended: a class and what it is about, so that like failures are grouped."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from npu_adapt.errors import ExitCode, RunFailed
from npu_adapt.records import Summary
from npu_adapt.records.outcome import WRONG_OUTPUT, outcome_of
from npu_adapt.records.sweep import Cause, SweepStep

NO_NUMBERS = "nan-output"  # a later comparison names the operator
UNWRITTEN = ("evidence-not-written", "no-space")  # no fault of the model
MAY_BE_THE_DEVICE = frozenset(("device-lost", "initialisation", "no-device", "timeout", "process-crashed"))
TRIED_AGAIN = MAY_BE_THE_DEVICE | {"process-killed", "out-of-memory", "hubs-unreachable"}  # may end otherwise
LONGEST = 300  # characters of what a process said last


def cause_of_end(step: SweepStep, stdout: bytes, stderr: bytes, error: RunFailed | None) -> Cause | None:
    """Why the command failed; None where it did not, or gave a verdict, whose cause is in its summary.

    `error` is that of its time limit; None: it ended by itself.
    """
    if error is not None:
        return Cause(id=error.kind, message=error.message, command=step.command)
    if step.signal is not None:
        id = "process-killed" if step.signal == signal.SIGKILL.name else "process-crashed"
        return Cause(id=id, subject=step.signal, message=_last_line(stderr), command=step.command)
    if step.exit_code in (ExitCode.PASSED, ExitCode.VERDICT_FAILED):
        return None
    told = _told(stdout)
    if told:
        subject = told.get("operator") or ""
        return Cause(id=told["class"], subject=subject, message=told["message"], command=step.command)
    id = "bug" if step.exit_code == ExitCode.BUG else "other"
    return Cause(id=id, message=_last_line(stderr), command=step.command)


def cause_of_verdict(command: str, summary: Summary) -> Cause:
    """What the summary's verdict failed for: the first suspect of a comparison, else the first term."""
    outcome = outcome_of(summary).cause
    compare = summary.compare
    if command == "compare" and compare is not None and outcome == "verdict":
        suspect = compare.first_suspect
        if suspect is not None:
            return Cause(id="wrong-operator", subject=suspect.operator, message=suspect.module, command=command)
        term = next((term for term in compare.verdict.terms if not term.holds), None)
        return Cause(id=WRONG_OUTPUT, subject="" if term is None else term.id, command=command)
    id = WRONG_OUTPUT if outcome == WRONG_OUTPUT else f"failed-{outcome or 'verdict'}"
    return Cause(id=id, command=command)


def _told(stdout: bytes) -> Mapping[str, Any]:
    """The error that the command printed; empty where it printed none."""
    with suppress(msgspec.DecodeError, KeyError, TypeError):
        error = msgspec.json.decode(stdout)["error"]
        if isinstance(error.get("class"), str) and isinstance(error.get("message"), str):
            return dict(error)
    return {}


def _last_line(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:LONGEST] if lines else ""
