"""The records of what `compare --repro` wrote to be handed on."""

from __future__ import annotations

from npu_adapt.records.base import Fact, Record


class ReproCase(Record, frozen=True, kw_only=True):
    """What failed, the first of its kind, and what a script of it alone showed in a process of its own.

    An operator, or the smallest submodule that is wrong in a mode: then `operator` is its class, `test` the check.
    """

    module: str
    operator: str
    index: int | None  # position in the order of execution; None: a submodule
    sample: int
    test: str  # that it failed in the comparison
    findings: int  # of the comparison that are of this kind: the same operator, test and shape of the result
    status: str  # reproduced | passes | not-run | no-script
    mode: str | None = None  # in which the submodule is wrong; None: an operator
    folder: str | None = None  # below the folder that was asked for; None: no script can show it
    said: str = ""  # what the script printed
    reason: Fact | None = None  # why there is no script, or why it did not run; None: it ran


class Repro(Record, frozen=True, kw_only=True):
    """The folder with a case for each kind of failing operator."""

    folder: str
    cases: tuple[ReproCase, ...] = ()  # in the order of execution; empty: nothing failed, and nothing was written
    left_out: int = 0  # further kinds of failures, beyond as many as are written
