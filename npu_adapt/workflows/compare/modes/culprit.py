"""The smallest submodule that fails in a mode by itself: compiled or captured alone, level by level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from npu_adapt.errors import first_line
from npu_adapt.evidence import Journal
from npu_adapt.numerics.arithmetic import ArithmeticByClass
from npu_adapt.numerics.rules import FLOOR_MARGIN
from npu_adapt.progress import Progress, doing
from npu_adapt.records import ModeCheck, ModeSuspect
from npu_adapt.workflows.compare.modes.checks import Probe, run_checks, up_to
from npu_adapt.workflows.compare.modes.expected import CheckId, expected_of
from npu_adapt.workflows.compare.modes.parts import Part, parts_of
from npu_adapt.workflows.run.forward import Side


@dataclass(frozen=True)
class Culprit:
    """The smallest part that fails in a mode, and what shows it."""

    mode: str
    part: Part
    probes: tuple[Probe, ...]  # up to the one that fails
    failing: ModeCheck
    suspect: ModeSuspect


@dataclass
class Search:
    """Looks below a model that fails in `mode` for the smallest part that does."""

    mode: str
    side: Side  # of the whole model
    arithmetic: ArithmeticByClass
    progress: Progress
    journal: Journal
    tried: int = 0
    not_judged: list[str] = field(default_factory=list)  # parts that do not run alone

    def smallest(self, whole: Part, failing: ModeCheck, probes: Sequence[Probe]) -> Culprit:
        """Of `whole`, whose `failing` check is given; itself where no part of it fails alone."""
        wanted = shown = up_to(failing, probes)
        part = replace(whole, samples=tuple(expected.sample for _, expected in wanted))
        checks = tuple(check for check, _ in wanted)
        with self.progress.task(doing("searching-mode", mode=self.mode)) as step:
            below: Iterator[Part] = parts_of(part)
            while (following := next(below, None)) is not None:
                found = self._failing(following, checks)
                step.advance(1)
                if found is not None:
                    (failing, shown), part, below = found, following, parts_of(following)
        return Culprit(self.mode, part, shown, failing, _suspect(part, failing, self.tried))

    def _failing(self, part: Part, checks: Sequence[CheckId]) -> tuple[ModeCheck, tuple[Probe, ...]] | None:
        """The check that the part fails alone in the mode, and its probes; None: it passes, or cannot be judged."""
        side = replace(self.side, module=self.side.module.get_submodule(part.path), task=part.loaded.task)
        try:
            probes = self._probes(part, side, checks)
            if probes is None:
                return None
            self.tried += 1
            failing = run_checks(self.mode, side, probes).failing
            return None if failing is None else (failing, up_to(failing, probes))
        except Exception as error:  # noqa: BLE001 - a part that does not run alone says nothing of the whole
            self.not_judged.append(part.name)
            self.journal.event("accuracy", "part-not-judged", "warning", module=part.name, message=first_line(error))
            return None

    def _probes(self, part: Part, side: Side, checks: Sequence[CheckId]) -> tuple[Probe, ...] | None:
        """What the part is given and held to; None where it is beyond its floors in eager mode already."""
        known = {
            id(sample): expected_of(part.loaded, side, sample, self.arithmetic, self.progress)
            for sample in part.samples
        }
        for expected in known.values():
            if not all((each.over_floor or 0.0) <= FLOOR_MARGIN for each in expected.floors.values()):
                return None
        return tuple((check, known[id(sample)]) for check, sample in zip(checks, part.samples, strict=True))


def _suspect(part: Part, failing: ModeCheck, tried: int) -> ModeSuspect:
    def badness(at: int) -> float:
        over = failing.outputs[at].error_over_floor
        return float("inf") if over is None else over

    worst = failing.outputs[max(range(len(failing.outputs)), key=badness)]
    return ModeSuspect(
        module=part.name,
        type=type(part.loaded.module).__name__,
        check=failing.check,
        output=worst.name,
        error_over_floor=worst.error_over_floor,
        tried=tried,
    )
