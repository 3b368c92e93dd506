"""The question after every driver, CANN or torch_npu upgrade: is it still as right as it was, and what changed?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.numerics.arithmetic import ARITHMETICS, OPERATOR_CLASSES
from npu_adapt.records import Baseline, Compare, Fact, InputInfo, Run, Summary
from npu_adapt.workflows.compare.facts import regression
from npu_adapt.workflows.env.changes import environment_changes
from npu_adapt.workflows.reading import read_checked


def read_baseline(path: Path) -> Summary:
    """A summary with a comparison in it. Raises `SummaryUnreadable`, and `UsageError` for one without."""
    summary = read_checked(path)
    if summary.compare is None or summary.run is None:
        raise UsageError(
            Sentence("{path} holds no comparison", path=path),
            hint="make one with npu-adapt compare, and keep its summary.json",
        )
    return summary


def require_same_subject(baseline: Summary, now: Summary, path: Path, reference: str) -> None:
    """Raises `UsageError` where model, weights, inputs, type or reference differ: their errors are not comparable.

    `now` has run nothing yet: its inputs are those of `run`.
    """
    assert baseline.compare is not None and now.run is not None
    subjects: dict[str, tuple[Any, Any]] = {
        "model": (_model(baseline), _model(now)),
        "weights": (_weight_hashes(baseline), _weight_hashes(now)),
        "inputs": (_input_hashes(baseline.compare.inputs), _input_hashes(now.run.inputs)),
        "dtype": (baseline.run and baseline.run.dtype, now.run.dtype),
        "reference": (baseline.compare.reference, reference),
    }
    for what, (there, here) in subjects.items():
        if there != here:
            raise UsageError(
                Sentence(
                    "{path} is about other {what}: {there} there, {here} here",
                    path=path,
                    what=what,
                    there=there,
                    here=here,
                ),
                hint="compare with a summary of the same model, weights, inputs and type",
            )


def _model(summary: Summary) -> tuple[str, str] | None:
    return None if summary.model is None else (summary.model.id, summary.model.task)


def _input_hashes(inputs: tuple[InputInfo, ...]) -> tuple[str, ...]:
    return tuple(entry.sha256 for entry in inputs)


def against_baseline(baseline: Summary, now: Summary, path: Path) -> Baseline:
    """What got worse since `baseline`, and what changed in the environment. Both summaries hold a comparison."""
    before, after = baseline.compare, now.compare
    assert before is not None and after is not None and baseline.run is not None and now.run is not None
    return Baseline(
        path=str(path),
        created_at=baseline.created_at,
        regressions=(
            *_coarser_arithmetics(before, after),
            *_grown_errors(before, after),
            *_changed_predictions(baseline.run, now.run),
        ),
        changes=environment_changes(baseline.environment, now.environment),
    )


def _weight_hashes(summary: Summary) -> tuple[str, ...]:
    return tuple(sorted(file.sha256 for file in summary.weights.files)) if summary.weights else ()


def _coarser_arithmetics(before: Compare, after: Compare) -> list[Fact]:
    found = [side.arithmetic.found if side.arithmetic else None for side in (before, after)]
    coarser = []
    for operators in OPERATOR_CLASSES:
        old, new = (getattr(side, operators, None) for side in found)
        if (
            old in ARITHMETICS
            and new in ARITHMETICS
            and ARITHMETICS[new].mantissa_bits < ARITHMETICS[old].mantissa_bits
        ):
            coarser.append(regression("coarser-arithmetic", operators=operators, before=old, after=new))
    return coarser


def _grown_errors(before: Compare, after: Compare) -> list[Fact]:
    """Outputs whose error grew by more than the noise floor then: less is what two correct runs may differ by."""
    earlier = {output.name: output for output in before.outputs}
    grown = []
    for output in after.outputs:
        then = earlier.get(output.name)
        if then is None or then.relative_l2 is None:
            continue
        old, new = then.relative_l2, output.relative_l2
        if new is None:
            grown.append(regression("no-longer-finite", output=output.name))
        elif new - old > (then.noise_floor or 0.0):
            grown.append(
                regression("larger-error", output=output.name, before=old, after=new, floor=then.noise_floor or 0.0)
            )
    return grown


def _changed_predictions(before: Run, after: Run) -> list[Fact]:
    """Samples whose first prediction is another one."""

    def first(run: Run) -> dict[int, str]:
        best: dict[int, str] = {}
        for prediction in run.predictions:
            best.setdefault(prediction.sample, prediction.label)
        return best

    old, new = first(before), first(after)
    return [
        regression("other-prediction", sample=sample, before=old[sample], after=new[sample])
        for sample in sorted(old.keys() & new.keys())
        if old[sample] != new[sample]
    ]
