"""The term of a verdict on weights that the device dequantised: it follows from the record alone. No torch."""

from __future__ import annotations

from npu_adapt.numerics.rules import term
from npu_adapt.records import Dequantised, Term

MOST_ULPS = 2.0  # units in the last place; two products, each rounded, give one and a half


def dequantised_terms(found: Dequantised | None) -> tuple[Term, ...]:
    """Whether each weight is what the stored one stands for; none where nothing is quantised."""
    if found is None:
        return ()
    holds = found.worst_ulps is not None and found.worst_ulps <= MOST_ULPS
    share = found.differing
    return (term("dequantised", holds, found.worst_module, found.worst_ulps, MOST_ULPS, share=share),)
