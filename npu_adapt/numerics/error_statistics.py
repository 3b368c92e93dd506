"""How far an error exceeds its floor: over all elements, in the worst row, in the worst element."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from npu_adapt.numerics.bits import same_bits
from npu_adapt.numerics.error_bound import ErrorBound, rows
from npu_adapt.numerics.operators import Kind


@dataclass(frozen=True)
class Limits:
    """The most that a correct device may show, as multiples of the floor."""

    rms: float
    row: float
    element: float


LIMITS = Limits(4.0, 12.0, 16.0)
FUSED_LIMITS = Limits(4.0, 24.0, 32.0)  # a fused operator's inner roundings gather in single rows


def limits_of(kind: Kind) -> Limits:
    return FUSED_LIMITS if kind is Kind.ATTENTION else LIMITS


@dataclass(frozen=True)
class Worst:
    """The element that is worst, in the unit of the test that found it."""

    index: tuple[int, ...]
    reference: float
    candidate: float


@dataclass(frozen=True)
class FailedTest:
    """One test that failed."""

    test: str  # rms | row | element | residual | exact | whole-numbers | repeat
    over_floor: float  # infinite where a value is not finite on one side only
    worst: Worst


@dataclass
class ErrorStatistics:
    """Figures of one result, gathered piece by piece.

    `rms` is the larger of two: the error's root mean square over the floor's, which large values decide, and that of
    each element's error over its own floor, which all decide alike.
    """

    elements: int = 0
    row: float = 0.0
    element: float = 0.0
    worst: Worst | None = None  # None: no element was seen
    mismatch: Worst | None = None  # the first value that is not finite on one side only; None: there is none
    _row_squares: float = 0.0  # sum over the worst row
    _sums: dict[str, float] = field(default_factory=lambda: {"error": 0.0, "floor": 0.0, "truth": 0.0, "ratio": 0.0})

    @property
    def rms(self) -> float:
        if not self.elements:
            return 0.0
        floor = self._sums["floor"]
        overall = math.sqrt(self._sums["error"] / floor) if floor > 0 else 0.0
        return max(overall, math.sqrt(self._sums["ratio"] / self.elements))

    @property
    def relative_l2(self) -> float:
        """The error's norm over the truth's; 0 for a truth that is all zero."""
        return self._relative("error")

    @property
    def relative_floor(self) -> float:
        """The floor's norm over the truth's."""
        return self._relative("floor")

    def _relative(self, what: str) -> float:
        truth = self._sums["truth"]
        return math.sqrt(self._sums[what] / truth) if truth > 0 else 0.0

    def add(
        self,
        candidate: Tensor,
        truth: Tensor,
        floor: Tensor,
        offset: tuple[int, ...] = (),
        *,
        error: Tensor | None = None,
    ) -> None:
        """A piece that lies at `offset` in the whole; all float64, on the CPU. `error` None: the plain difference."""
        if truth.numel() == 0:
            return
        error = candidate - truth if error is None else error
        if not bool(error.sum().isfinite()):  # one pass, where looking at each takes two
            finite = error.isfinite()
            self._compare_kinds(candidate, truth, offset)
            error, truth, floor = error.where(finite, 0.0), truth.where(finite, 0.0), floor.where(finite, 1.0)
        by_row = rows((error / floor).abs_())
        largest = by_row.amax(-1)
        in_row = int(largest.argmax())
        if float(largest[in_row]) > self.element or self.worst is None:
            self.element = float(largest[in_row])
            at = in_row * by_row.size(-1) + int(by_row[in_row].argmax())
            self.worst = _element(at, candidate, truth, offset)
        squares = torch.linalg.vector_norm(by_row, dim=-1).square_()
        row_squares = float(squares.max())
        row = math.sqrt(row_squares / by_row.size(-1))
        if row > self.row:
            self.row, self._row_squares = row, row_squares
        self.elements += error.numel()
        self._sums["ratio"] += float(squares.sum())
        for name, tensor in (("error", error), ("floor", floor), ("truth", truth)):
            flat = tensor.reshape(-1)
            self._sums[name] += float(flat @ flat)

    def _compare_kinds(self, candidate: Tensor, truth: Tensor, offset: tuple[int, ...]) -> None:
        same = (candidate == truth) | (candidate.isnan() & truth.isnan()) | (candidate.isfinite() & truth.isfinite())
        wrong = (~same).reshape(-1).nonzero()
        if len(wrong) and self.mismatch is None:
            self.mismatch = _element(int(wrong[0]), candidate, truth, offset)

    def broken(self, limits: Limits) -> FailedTest | None:
        """The test that fails: of several the one that says where, if half of all squares lie in one element or row."""
        if self.mismatch is not None:
            return FailedTest("element", math.inf, self.mismatch)
        if self.worst is None:
            return None
        failing = [test for test in ("rms", "row", "element") if getattr(self, test) > getattr(limits, test)]
        if not failing:
            return None
        squares = {"element": self.element**2, "row": self._row_squares}
        local = [test for test in ("element", "row") if test in failing and squares[test] > self._sums["ratio"] / 2]
        test = (local or failing)[0]
        return FailedTest(test, getattr(self, test), self.worst)


def exact_difference(candidate: Tensor, reference: Tensor, roundoff: float, *, bits: bool) -> FailedTest | None:
    """What breaks equality: of bits, or of values where `bits` is False (-0 is then 0). NaN is equal to NaN.

    The figure is the difference over half an ulp of the larger value; of whole numbers it is the difference itself.
    """
    if candidate.shape != reference.shape:
        return FailedTest("exact", math.inf, Worst((), float(reference.numel()), float(candidate.numel())))
    if same_bits(candidate, reference):
        return None  # nearly always, and in one pass
    same = candidate == reference
    if reference.is_floating_point():
        if bits:
            same &= candidate.signbit() == reference.signbit()
        same |= candidate.isnan() & reference.isnan()
    if bool(same.all()):
        return None
    wrong = ~same.reshape(-1)
    one, other = candidate.reshape(-1).double(), reference.reshape(-1).double()
    distance = (one - other).abs().where(wrong, -1.0).nan_to_num_(math.inf, math.inf, math.inf)
    at = int(distance.argmax())
    largest = max(abs(float(one[at])), abs(float(other[at])))
    over = float(distance[at]) / (roundoff * largest) if roundoff and largest else float(distance[at])
    return FailedTest("exact", over, Worst(_index(at, reference.shape), float(other[at]), float(one[at])))


def measure(candidate: Tensor, bound: ErrorBound) -> ErrorStatistics:
    """One whole result against its bound."""
    excess = ErrorStatistics()
    excess.add(candidate, bound.truth, bound.floor)
    return excess


def _element(at: int, candidate: Tensor, truth: Tensor, offset: tuple[int, ...]) -> Worst:
    index = _index(at, truth.shape)
    if offset:
        index = tuple(part + start for part, start in zip(index, offset, strict=True))
    return Worst(index, float(truth.reshape(-1)[at]), float(candidate.reshape(-1)[at]))


def _index(at: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Where element `at` lies; torch's own function takes longer than all that is asked of a small tensor."""
    index = []
    for size in reversed(shape):
        at, part = divmod(at, size)
        index.append(part)
    return tuple(reversed(index))
