"""The modes that were asked for beside eager: what each gives, and which submodule is wrong in it."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from npu_adapt.devices import modes
from npu_adapt.errors import NpuAdaptError, RunFailed, first_line
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.progress import doing
from npu_adapt.records import Fact, ModeOutcome
from npu_adapt.workflows.compare.evidence import Evidence
from npu_adapt.workflows.compare.modes.checks import Probe, Ran, run_checks
from npu_adapt.workflows.compare.modes.culprit import Culprit, Search
from npu_adapt.workflows.compare.modes.expected import (
    Expected,
    expected_of,
    from_floor,
    with_other_shape,
    with_other_values,
)
from npu_adapt.workflows.compare.modes.facts import left_out, reason
from npu_adapt.workflows.compare.modes.parts import Part
from npu_adapt.workflows.run.forward import Side
from npu_adapt.workflows.run.session import Session


def examine_modes(
    session: Session, candidate: Side, asked: tuple[str, ...], arithmetic: ArithmeticByClass, evidence: Evidence
) -> tuple[tuple[ModeOutcome, ...], tuple[Culprit, ...]]:
    """An outcome for each mode beyond eager, and the submodules that are wrong.

    `evidence` holds the floor, with its truth, of the first sample.
    """
    wanted = tuple(mode for mode in asked if mode != modes.EAGER)
    if not wanted:
        return (), ()
    if evidence.floor is None:
        return tuple(_not_run(session, mode, reason("random-model")) for mode in wanted), ()
    with session.stage("modes", doing("preparing-modes")):
        probes, missing = _probes(session, candidate, arithmetic, evidence)
    found = [_outcome(session, candidate, mode, arithmetic, probes, missing) for mode in wanted]
    return tuple(outcome for outcome, _ in found), tuple(culprit for _, culprit in found if culprit is not None)


def _probes(
    session: Session, candidate: Side, arithmetic: ArithmeticByClass, evidence: Evidence
) -> tuple[tuple[Probe, ...], tuple[Fact, ...]]:
    """The first sample, other values, the first again, another shape; and which of them could not be made."""
    sample, floor = session.samples[0], evidence.floor
    assert floor is not None
    first = from_floor(sample, evidence.candidate[0], floor, 0)
    probes: list[Probe] = [("first", first)]
    missing: list[Fact] = []

    def expected(check: str, make: Callable[[], Expected]) -> Expected | None:
        try:
            found = make()
        except Exception as error:  # noqa: BLE001 - the model's own code refuses an input that nobody asked for
            missing.append(left_out("input-not-taken", check=check, message=first_line(error)))
            return None
        if not found.is_finite:
            missing.append(left_out("truth-not-finite", check=check))
            return None
        return found

    def measured(other: object) -> Expected:
        return expected_of(session.loaded, candidate, other, arithmetic, session.progress)  # type: ignore[arg-type]

    other = with_other_values(sample)
    if other is None:
        missing.append(left_out("no-other-values"))
    elif (values := expected("other-values", lambda: measured(other))) is not None:
        probes += [("other-values", values), ("first-again", first)]
    if (shape := expected("other-shape", lambda: measured(with_other_shape(sample, candidate)))) is not None:
        probes.append(("other-shape", shape))
    return tuple(probes), tuple(missing)


def _outcome(
    session: Session,
    candidate: Side,
    mode: str,
    arithmetic: ArithmeticByClass,
    probes: tuple[Probe, ...],
    missing: tuple[Fact, ...],
) -> tuple[ModeOutcome, Culprit | None]:
    device = candidate.device
    if mode == modes.GRAPH and device.backend.graph is None:
        return _not_run(session, mode, reason("no-graphs", device=device.name)), None
    started = time.perf_counter()
    try:
        with session.stage("modes", doing("running-mode", mode=mode, device=device.name)):
            ran = run_checks(mode, candidate, probes)
    except (NpuAdaptError, RuntimeError, MemoryError) as error:  # RuntimeError: how torch refuses anything
        return _not_run(session, mode, _why(error, mode)), None
    outcome = _with_checks(_named(session, mode), ran, missing, time.perf_counter() - started)
    if ran.graphs == 0:
        return replace(outcome, status="failed-to-run", reason=reason("nothing-compiled")), None
    failing = ran.failing
    if failing is None or ran.divergence is not None:  # the operator is known already, and a part alone need not fail
        return outcome, None
    search = Search(mode, candidate, arithmetic, session.progress, session.journal)
    with session.stage("modes", doing("searching-mode", mode=mode)):
        culprit = search.smallest(Part("", session.loaded, (session.samples[0],)), failing, probes)
    if search.not_judged:
        outcome = replace(
            outcome, left_out=(*outcome.left_out, left_out("parts-not-judged", modules=tuple(search.not_judged[:8])))
        )
    return replace(outcome, suspect=culprit.suspect), culprit


def _named(session: Session, mode: str) -> ModeOutcome:
    compiler = session.device.backend.compiler if mode == modes.COMPILE else None
    return ModeOutcome(mode=mode, status="passed", compiler=compiler)


def _with_checks(outcome: ModeOutcome, ran: Ran, missing: tuple[Fact, ...], seconds: float) -> ModeOutcome:
    return replace(
        outcome,
        status="passed" if ran.failing is None and ran.divergence is None else "failed",
        divergence=ran.divergence,
        checks=ran.checks,
        graphs=ran.graphs,
        graph_breaks=ran.breaks,
        seconds=seconds,
        left_out=(*missing, *ran.left_out),
    )


def _not_run(session: Session, mode: str, why: Fact) -> ModeOutcome:
    """A mode that the device does not have is no failure of it; one that fails to run proves nothing, and is."""
    status = "failed-to-run" if why.id == "mode-failed-to-run" else "absent"
    return replace(_named(session, mode), status=status, reason=why)


def _why(error: BaseException, mode: str) -> Fact:
    stage, kind = (error.stage, error.kind) if isinstance(error, RunFailed) else (mode, "other")
    message = error.message if isinstance(error, NpuAdaptError) else first_line(error)
    return reason("mode-failed-to-run", stage=stage, kind=kind, message=message)
