"""From two sides' outputs to the comparison's figures: each the worst over outputs and samples, and named."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from npu_adapt.errors import RunFailed, Sentence
from npu_adapt.numerics.metrics import Difference, compare_tensors
from npu_adapt.numerics.ranking import top_k_match
from npu_adapt.records import OutputComparison, WorstOutput
from npu_adapt.workflows.run.forward import Outputs

FLAT_METRICS = ("max_abs_diff", "mean_abs_diff", "cosine_similarity", "relative_l2")


def compare_outputs(
    reference: tuple[Outputs, ...], candidate: tuple[Outputs, ...], *, dtype: torch.dtype
) -> tuple[tuple[OutputComparison, ...], dict[str, WorstOutput]]:
    """Every output, over all samples, and for each flat metric where its worst value was found.

    The reference's floating outputs are rounded to `dtype`, the run's, first. Raises `RunFailed` where the two sides do
    not have the same outputs, or none: comparing nothing is an error.
    """
    require_same_outputs(reference, candidate)
    differences = {
        name: [
            compare_tensors(other[name], rounded(one[name], dtype))
            for one, other in zip(reference, candidate, strict=True)
        ]
        for name in reference[0]
    }
    outputs = tuple(
        _output_record(name, several, [sample[name] for sample in reference], [sample[name] for sample in candidate])
        for name, several in differences.items()
    )
    return outputs, {metric: _worst_output(metric, differences) for metric in FLAT_METRICS}


def flat_metrics(outputs: tuple[OutputComparison, ...]) -> dict[str, Any]:
    """The worst of each metric over all outputs; None: not finite, a NaN or an infinity on one side only."""
    return {metric: _worst(metric, [getattr(output, metric) for output in outputs]) for metric in FLAT_METRICS}


def require_same_outputs(reference: tuple[Outputs, ...], candidate: tuple[Outputs, ...]) -> None:
    """Raises `RunFailed` where the sides' outputs differ in name or shape, or where there is nothing to compare."""
    empty = [name for outputs in reference for name, tensor in outputs.items() if not tensor.numel()]
    if not reference or not reference[0] or empty:
        what = Sentence("{empty} has no element", empty=empty[0]) if empty else "the model gave no output"
        raise RunFailed(
            Sentence("there is nothing to compare: {what}", what=what),
            hint="try another --task or another --input",
            stage="compare",
            kind="no-output",
        )

    def shapes(side: tuple[Outputs, ...]) -> list[dict[str, tuple[int, ...]]]:
        return [{name: tuple(tensor.shape) for name, tensor in outputs.items()} for outputs in side]

    if shapes(reference) != shapes(candidate):
        raise RunFailed(
            Sentence(
                "the two sides' outputs differ in shape: {shapes} against {shapes2}",
                shapes=shapes(reference)[0],
                shapes2=shapes(candidate)[0],
            ),
            hint="the model takes another path on the device; compare with --attention eager",
            stage="compare",
            kind="other-outputs",
        )


def rounded(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A floating tensor in `dtype`, any other as it is."""
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _badness(metric: str, value: float | None) -> float:
    """Orders values of a metric from good to bad; what does not exist is the worst."""
    if value is None:
        return math.inf
    return -value if metric == "cosine_similarity" else value


def _worst(metric: str, values: Sequence[float | None]) -> float | None:
    return max(values, key=lambda value: _badness(metric, value))


def _worst_output(metric: str, differences: Mapping[str, Sequence[Difference]]) -> WorstOutput:
    places = ((name, sample) for name, several in differences.items() for sample in range(len(several)))
    name, sample = max(places, key=lambda at: _badness(metric, getattr(differences[at[0]][at[1]], metric)))
    return WorstOutput(output=name, sample=sample)


def _output_record(
    name: str,
    differences: Sequence[Difference],
    reference: Sequence[torch.Tensor],
    candidate: Sequence[torch.Tensor],
) -> OutputComparison:
    figures = {metric: _worst(metric, [getattr(each, metric) for each in differences]) for metric in FLAT_METRICS}
    sample, shown = max(enumerate(differences), key=lambda entry: _badness("max_abs_diff", entry[1].max_abs_diff))
    return OutputComparison(
        name=name,
        shape=tuple(reference[0].shape),
        **figures,
        nan_mismatches=sum(difference.nan_mismatches for difference in differences),
        inf_mismatches=sum(difference.inf_mismatches for difference in differences),
        worst_index=shown.worst_index,
        worst_sample=sample,
        reference_nans=sum(int(tensor.isnan().count_nonzero()) for tensor in reference),
        reference_value=shown.reference_value,
        candidate_value=shown.candidate_value,
        unequal=_unequal(reference, candidate),
    )


def _unequal(reference: Sequence[torch.Tensor], candidate: Sequence[torch.Tensor]) -> int | None:
    """How many whole numbers or booleans differ, over all samples; None: the output is floating."""
    if reference[0].is_floating_point() or reference[0].is_complex():
        return None
    return sum(int((one != other).count_nonzero()) for one, other in zip(reference, candidate, strict=True))


def class_matches(
    reference: tuple[Outputs, ...],
    candidate: tuple[Outputs, ...],
    *,
    dtype: torch.dtype,
    class_scores: str | None,
    noise: tuple[float, ...] = (),
) -> tuple[bool | None, bool | None]:
    """(top-1, top-5): whether every sample has the same best classes, in every row of its class scores.

    `noise` is how far correct scores may be off, as relative L2, sample by sample; classes that it could exchange count
    as tied. Empty: only equal scores do. None: the task has no class scores, or fewer than five.
    """
    if class_scores is None:
        return None, None

    def match(k: int) -> bool:
        return all(
            top_k_match(other[class_scores], expected, k, tie_tolerance=share * root_mean_square(expected))
            for expected, other, share in zip(references, candidate, noise or [0.0] * len(candidate), strict=True)
        )

    references = [rounded(outputs[class_scores], dtype) for outputs in reference]
    return match(1), match(5) if references[0].shape[-1] >= 5 else None


def root_mean_square(tensor: torch.Tensor) -> float:
    """Over the finite elements; 0 where there is none."""
    finite = tensor[tensor.isfinite()].double()
    return float(finite.square().mean().sqrt()) if finite.numel() else 0.0
