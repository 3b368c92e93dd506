"""The terms of a verdict on what both sides wrote: each follows from the record alone. No torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from npu_adapt.numerics.rules import FLOOR_MARGIN, TermId, term
from npu_adapt.records import GeneratedText, Generation, Invariance, Term, TokenFlip, Value

TIE_MARGIN = 4.0  # noise floors; of 106,000 margins of correct devices 0.03 % were off by more, but no flip was
TIES_NAMED = 3
FAULTS_NAMED = 3


def is_tie(flip: TokenFlip) -> bool:
    """Whether rounding explains it: a correct device may choose either token."""
    return flip.margin_over_floor is not None and flip.margin_over_floor <= TIE_MARGIN


def shares(texts: Sequence[GeneratedText], flips: Sequence[TokenFlip]) -> dict[str, float]:
    """Of all positions: which a correct device may flip, how many noise of one floor flips, and which were flipped."""
    margins = [margin for text in texts for margin in text.margins_over_floor]
    known = [margin for margin in margins if margin is not None]
    count = max(1, len(margins))
    return {
        "may_flip": sum(margin <= TIE_MARGIN for margin in known) / count,
        "expected_flip": sum(math.erfc(margin / math.sqrt(2)) / 2 for margin in known) / count,
        "did_flip": len(flips) / count,
    }


def parting(one: Sequence[int], other: Sequence[int]) -> int | None:
    """The first position where the tokens differ, or one text ends; None: they are the same."""
    for position, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return position
    return None if len(one) == len(other) else min(len(one), len(other))


def is_outside(variant: Invariance) -> bool:
    """Whether reading the prompt in that way gives an error that rounding does not explain, on the device alone."""
    return not variant.by_model and not (
        variant.error_over_floor is not None and variant.error_over_floor <= FLOOR_MARGIN
    )


def generation_terms(generation: Generation) -> tuple[Term, ...]:
    """Terms that do not hold first: tokens outside the floor, then positions, then ways of reading the prompt."""
    terms = [*_flips(generation), *_positions(generation), *map(_invariance, generation.invariance)]
    return (*(each for each in terms if not each.holds), *(each for each in terms if each.holds))


def _flips(generation: Generation) -> Iterator[Term]:
    """The first flips of either kind, and how many more are outside the floor."""
    ties = [flip for flip in generation.flips if is_tie(flip)]
    faults = [flip for flip in generation.flips if not is_tie(flip)]
    for flip in (*faults[:FAULTS_NAMED], *ties[:TIES_NAMED]):
        yield term(
            "token-flip",
            is_tie(flip),
            "",
            flip.margin_over_floor,
            TIE_MARGIN,
            sample=flip.sample,
            position=flip.position,
            reference=flip.reference_piece or str(flip.reference_token),
            candidate=flip.candidate_piece or str(flip.candidate_token),
            **_suspect(generation),
        )
    if len(faults) > FAULTS_NAMED:
        yield term("token-flips", False, "", len(faults) - FAULTS_NAMED, 0)


def _positions(generation: Generation) -> Iterator[Term]:
    """The position whose logits are furthest from float64, and the one where the cache changes them most.

    The second is the sharper one for what goes wrong only in decoding: reading at once errs much as decoding does.
    """
    series: Mapping[TermId, Sequence[Sequence[float | None]]] = {
        "position-error": [text.errors_over_floor for text in generation.texts],
        "cache-error": [text.cache_errors_over_floor for text in generation.texts],
    }
    for name, errors in series.items():
        places = [
            (float("inf") if error is None else error, text.sample, position)
            for text, own in zip(generation.texts, errors, strict=True)
            for position, error in enumerate(own)
        ]
        if places:
            worst, sample, position = max(places, key=lambda place: place[0])
            value = None if worst == float("inf") else worst
            where: dict[str, Value] = {"sample": sample, "position": position, **_suspect(generation)}
            yield term(name, worst <= FLOOR_MARGIN, "", value, FLOOR_MARGIN, **where)


def _suspect(generation: Generation) -> dict[str, str]:
    """Where it begins; nothing where no operator was found to fail."""
    found = generation.suspect
    return {} if found is None else {"module": found.module, "operator": found.operator}


def _invariance(variant: Invariance) -> Term:
    return term(
        "invariance",
        not is_outside(variant),
        variant.variant,
        variant.error_over_floor,
        FLOOR_MARGIN,
        sample=variant.sample,
        module=variant.module or "",
        operator=variant.operator or "",
    )
