"""From two sides' outputs to the comparison's figures: each the worst over outputs and samples, and named."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from npu_adapt.errors import RunFailed
from npu_adapt.numerics.metrics import Difference, compare_tensors
from npu_adapt.numerics.ranking import top_k_match
from npu_adapt.records import OutputComparison
from npu_adapt.workflows.run.forward import Outputs

FLAT_METRICS = ("max_abs_diff", "mean_abs_diff", "cosine_similarity", "relative_l2")


@dataclass(frozen=True)
class Comparison:
    """Figures of one candidate against one reference, without a verdict."""

    outputs: tuple[OutputComparison, ...]
    flat: dict[str, float | None]  # FLAT_METRICS; None: not finite, a NaN or an infinity on one side only
    worst_outputs: dict[str, str]  # flat metric -> "logits, sample 2"


def compare_outputs(
    reference: tuple[Outputs, ...], candidate: tuple[Outputs, ...], *, dtype: torch.dtype
) -> Comparison:
    """Compares every output of every sample.

    The reference's floating outputs are rounded to `dtype`, the run's, first. Raises `RunFailed` where the two sides do
    not have the same outputs, or none: comparing nothing is an error.
    """
    require_same_outputs(reference, candidate)
    differences = {
        name: [
            compare_tensors(other[name], _rounded(one[name], dtype))
            for one, other in zip(reference, candidate, strict=True)
        ]
        for name in reference[0]
    }
    flat: dict[str, float | None] = {}
    worst_outputs: dict[str, str] = {}
    for metric in FLAT_METRICS:
        named = [
            (value, name, sample) for name, several in differences.items() for sample, value in _values(several, metric)
        ]
        value, name, sample = max(named, key=lambda entry: _badness(metric, entry[0]))
        flat[metric] = value
        worst_outputs[metric] = f"{name}, sample {sample}"
    return Comparison(
        tuple(
            _output_record(name, several, [outputs[name] for outputs in reference])
            for name, several in differences.items()
        ),
        flat,
        worst_outputs,
    )


def require_same_outputs(reference: tuple[Outputs, ...], candidate: tuple[Outputs, ...]) -> None:
    """Raises `RunFailed` where the sides' outputs differ in name or shape, or where there is nothing to compare."""
    empty = [name for outputs in reference for name, tensor in outputs.items() if not tensor.numel()]
    if not reference or not reference[0] or empty:
        what = f"{empty[0]} has no element" if empty else "the model gave no output"
        raise RunFailed(
            f"there is nothing to compare: {what}",
            hint="try another --task or another --input",
            stage="compare",
            kind="no-output",
        )

    def shapes(side: tuple[Outputs, ...]) -> list[dict[str, tuple[int, ...]]]:
        return [{name: tuple(tensor.shape) for name, tensor in outputs.items()} for outputs in side]

    if shapes(reference) != shapes(candidate):
        raise RunFailed(
            f"the two sides' outputs differ in shape: {shapes(reference)[0]} against {shapes(candidate)[0]}",
            hint="the model takes another path on the device; compare with --attention eager",
            stage="compare",
            kind="other-outputs",
        )


def _rounded(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _values(differences: list[Difference], metric: str) -> list[tuple[int, float | None]]:
    return [(sample, getattr(difference, metric)) for sample, difference in enumerate(differences)]


def _badness(metric: str, value: float | None) -> float:
    """Orders values of a metric from good to bad; what does not exist is the worst."""
    if value is None:
        return math.inf
    return -value if metric == "cosine_similarity" else value


def _output_record(name: str, differences: list[Difference], reference: list[torch.Tensor]) -> OutputComparison:
    def worst(metric: str) -> float | None:
        values = [value for _, value in _values(differences, metric)]
        return max(values, key=lambda value: _badness(metric, value))

    sample, shown = max(enumerate(differences), key=lambda entry: _badness("max_abs_diff", entry[1].max_abs_diff))
    return OutputComparison(
        name=name,
        shape=tuple(reference[0].shape),
        max_abs_diff=worst("max_abs_diff"),
        mean_abs_diff=worst("mean_abs_diff"),
        cosine_similarity=worst("cosine_similarity"),
        relative_l2=worst("relative_l2"),
        nan_mismatches=sum(difference.nan_mismatches for difference in differences),
        inf_mismatches=sum(difference.inf_mismatches for difference in differences),
        worst_index=shown.worst_index,
        worst_sample=sample,
        reference_nans=sum(int(tensor.isnan().sum()) for tensor in reference),
        reference_value=shown.reference_value,
        candidate_value=shown.candidate_value,
    )


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

    references = [_rounded(outputs[class_scores], dtype) for outputs in reference]
    return match(1), match(5) if references[0].shape[-1] >= 5 else None


def root_mean_square(tensor: torch.Tensor) -> float:
    """Over the finite elements; 0 where there is none."""
    finite = tensor[tensor.isfinite()].double()
    return float(finite.square().mean().sqrt()) if finite.numel() else 0.0
