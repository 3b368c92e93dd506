"""What the subject gave compiled or captured: every check, the submodule that is wrong, what did not run and why."""

from __future__ import annotations

from npu_adapt.records import ModeOutcome
from npu_adapt.report.document import Block, Code, Inline, Tone, listing
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.blocks import table

COLUMNS = ("mode", "check", "outcome", "output", "relative-l2", "floor", "over-floor")


def modes(figures: Figures) -> tuple[Block, ...]:
    """Nothing unless a mode beyond eager was asked for."""
    compare = figures.summary.compare
    if compare is None or not compare.modes:
        return ()
    rows: list[tuple[Inline, ...]] = []
    for at, mode in enumerate(compare.modes):
        rows += _rows(figures, mode, f"compare.modes.{at}")
    said = [text for mode in compare.modes for text in _said(figures, mode)]
    tone: Tone = "bad" if any(mode.status not in ("passed", "absent") for mode in compare.modes) else "plain"
    made = table(figures, "modes", COLUMNS, rows, frozenset({"relative-l2", "floor", "over-floor"}))
    return (made, listing(said, tone)) if said else (made,)


def _rows(figures: Figures, mode: ModeOutcome, path: str) -> list[tuple[Inline, ...]]:
    """A row for each output of each check; one for a mode that did not run."""
    if not mode.checks:
        nothing = (figures.say("not-applicable"),) * 4
        return [(Code(mode.mode), figures.say("not-applicable"), figures.say(f"mode-status-{mode.status}"), *nothing)]
    rows: list[tuple[Inline, ...]] = []
    for number, check in enumerate(mode.checks):
        outcome = figures.say("mode-status-passed" if check.passed else "mode-status-failed")
        for place, output in enumerate(check.outputs):
            own = f"{path}.checks.{number}.outputs.{place}"
            errors = (f"{own}.{name}" for name in ("float64_relative_l2", "noise_floor", "error_over_floor"))
            texts = (figures.short(error) for error in errors)
            rows.append((Code(mode.mode), Code(check.check), outcome, Code(output.name), *texts))
    return rows


def _said(figures: Figures, mode: ModeOutcome) -> list[str]:
    said = []
    if mode.reason is not None:
        said.append(f"{mode.mode}: {figures.tell('mode-reason', mode.reason)}")
    if mode.divergence is not None:
        said.append(divergence(figures, mode))
    if mode.suspect is not None:
        said.append(suspect(figures, mode))
    said += [figures.say("mode-break", why=why) for why in mode.graph_breaks]
    said += [figures.tell("mode-left-out", fact) for fact in mode.left_out]
    return said


def divergence(figures: Figures, mode: ModeOutcome) -> str:
    """The sentence that names the operator."""
    found = mode.divergence
    assert found is not None
    at = figures.summary.compare.modes.index(mode) if figures.summary.compare else 0
    step, shape = (figures(f"compare.modes.{at}.divergence.{name}") for name in ("index", "output_shape"))
    about = {"module": found.module, "operator": found.operator, "mode": mode.mode, "check": found.check}
    return figures.say("mode-divergence", **about, step=step, shape=shape)


def suspect(figures: Figures, mode: ModeOutcome) -> str:
    """The sentence that names the submodule."""
    found = mode.suspect
    assert found is not None
    at = figures.summary.compare.modes.index(mode) if figures.summary.compare else 0
    return figures.say(
        "mode-suspect",
        module=found.module,
        type=found.type,
        mode=mode.mode,
        check=found.check,
        output=found.output,
        over=figures.short(f"compare.modes.{at}.suspect.error_over_floor"),
        tried=str(found.tried),
    )
