"""How far a tensor is from its reference: computed in float64 on the CPU, in pieces, so that size does not matter."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

PIECE_ELEMENTS = 1 << 17  # 1 MiB in float64, of which some stand at once; a bundle's scripts sum by the same


@dataclass(frozen=True)
class Difference:
    """Figures of a candidate against its reference.

    The four metrics are None where they do not exist: as soon as one side has a NaN or an infinity that the other has
    not. `relative_l2` is None also against a reference that is all zero and differs.
    """

    max_abs_diff: float | None
    mean_abs_diff: float | None
    cosine_similarity: float | None
    relative_l2: float | None  # ‖candidate - reference‖ / ‖reference‖
    nan_mismatches: int
    inf_mismatches: int
    worst_index: tuple[int, ...]  # the first mismatch, else where the absolute difference is largest
    reference_value: float | None  # there; None: not finite
    candidate_value: float | None  # there; None: not finite


def compare_tensors(candidate: Tensor, reference: Tensor) -> Difference:
    """Compares two tensors of one shape.

    A NaN is equal to a NaN at the same place, an infinity to one of the same sign; such elements count as equal and
    stay out of the norms. Raises `ValueError` for different shapes and for tensors without elements: comparing nothing
    is an error.
    """
    if candidate.shape != reference.shape:
        raise ValueError(f"shapes differ: {tuple(candidate.shape)} and {tuple(reference.shape)}")
    if candidate.numel() == 0:
        raise ValueError("there is no element to compare")
    sums = _Sums()
    for start, one, other in _pieces(candidate, reference):
        sums.add(start, one, other)
    return sums.difference(tuple(candidate.shape), candidate, reference)


def outside_tolerance(candidate: Tensor, reference: Tensor, *, rtol: float, atol: float) -> int:
    """How many elements break |candidate - reference| <= atol + rtol * |reference|, as unequal infinities do."""
    outside = 0
    for _, one, other in _pieces(candidate, reference):
        same = (one == other) | (one.isnan() & other.isnan())
        within = (one - other).abs() <= atol + rtol * other.abs()
        outside += int((~(same | (within & one.isfinite() & other.isfinite()))).sum())
    return outside


def _pieces(candidate: Tensor, reference: Tensor) -> Iterator[tuple[int, Tensor, Tensor]]:
    """(offset, candidate, reference), one-dimensional, in float64 on the CPU."""
    flat = candidate.detach().cpu().reshape(-1), reference.detach().cpu().reshape(-1)
    for start in range(0, flat[0].numel(), PIECE_ELEMENTS):
        one, other = (side[start : start + PIECE_ELEMENTS].double() for side in flat)
        yield start, one, other


class _Sums:
    """What is added up over the pieces."""

    def __init__(self) -> None:
        self.count = 0
        self.absolute = self.squares = self.reference_squares = self.candidate_squares = self.products = 0.0
        self.largest = -1.0
        self.largest_at = 0
        self.mismatch_at: int | None = None
        self.nan_mismatches = self.inf_mismatches = 0

    def add(self, start: int, candidate: Tensor, reference: Tensor) -> None:
        finite = candidate.isfinite() & reference.isfinite()
        if not finite.all():
            self._add_mismatches(start, candidate, reference)
            candidate, reference = candidate.where(finite, 0.0), reference.where(finite, 0.0)
        self.count += candidate.numel()
        error = candidate - reference
        absolute = error.abs()
        at = int(absolute.argmax())
        if float(absolute[at]) > self.largest:
            self.largest, self.largest_at = float(absolute[at]), start + at
        self.absolute += float(absolute.sum())
        self.squares += float(error @ error)
        self.reference_squares += float(reference @ reference)
        self.candidate_squares += float(candidate @ candidate)
        self.products += float(candidate @ reference)

    def _add_mismatches(self, start: int, candidate: Tensor, reference: Tensor) -> None:
        nan = candidate.isnan() != reference.isnan()
        both_numbers = ~candidate.isnan() & ~reference.isnan()
        infinite = (candidate.isinf() | reference.isinf()) & both_numbers & (candidate != reference)
        self.nan_mismatches += int(nan.sum())
        self.inf_mismatches += int(infinite.sum())
        mismatched = (nan | infinite).nonzero()
        if self.mismatch_at is None and len(mismatched):
            self.mismatch_at = start + int(mismatched[0])

    def difference(self, shape: tuple[int, ...], candidate: Tensor, reference: Tensor) -> Difference:
        broken = self.mismatch_at is not None
        at = self.mismatch_at if self.mismatch_at is not None else self.largest_at
        index = tuple(int(part) for part in torch.unravel_index(torch.tensor(at), shape)) if shape else ()
        return Difference(
            max_abs_diff=None if broken else self.largest,
            mean_abs_diff=None if broken else self.absolute / self.count,
            cosine_similarity=None if broken else self._cosine(),
            relative_l2=None if broken else self._relative_l2(),
            nan_mismatches=self.nan_mismatches,
            inf_mismatches=self.inf_mismatches,
            worst_index=index,
            reference_value=_finite(float(reference[index])),
            candidate_value=_finite(float(candidate[index])),
        )

    def _cosine(self) -> float:
        """1 for equal tensors, zero ones included; never above 1 by rounding."""
        if self.squares == 0:
            return 1.0
        norms = math.sqrt(self.reference_squares) * math.sqrt(self.candidate_squares)
        return max(-1.0, min(1.0, self.products / norms)) if norms else 0.0

    def _relative_l2(self) -> float | None:
        if self.squares == 0:
            return 0.0
        return math.sqrt(self.squares / self.reference_squares) if self.reference_squares else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
