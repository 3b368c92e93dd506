"""Whether a summary contradicts itself: every derived figure computed again from what it derives from. No torch."""

from npu_adapt.consistency.contradiction import Contradiction
from npu_adapt.consistency.summary import contradictions

__all__ = ["Contradiction", "contradictions"]
