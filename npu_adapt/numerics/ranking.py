"""Whether two sets of class scores rank the same classes first."""

from __future__ import annotations

from torch import Tensor


def top_k_match(candidate: Tensor, reference: Tensor, k: int, *, tie_tolerance: float = 0.0) -> bool:
    """Whether the k best classes are the same set in every row of [..., classes].

    Classes whose reference scores differ by at most `tie_tolerance` (in the scores' unit) count as tied: each class
    that the candidate puts among its best must be within it of the reference's k-th score. False where a score is NaN.
    """
    if candidate.isnan().any() or reference.isnan().any():
        return False
    one, other = candidate.double(), reference.double()
    threshold = other.topk(k, dim=-1).values[..., -1:]
    chosen = other.gather(-1, one.topk(k, dim=-1).indices)
    return bool((chosen >= threshold - tie_tolerance).all())
