"""From what was measured to the record of a generation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from npu_adapt.models.tasks import LoadedModel
from npu_adapt.numerics.margins import Flip
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.numerics.token_rules import parting, shares
from npu_adapt.records import Fact, GeneratedText, Generation, Invariance, StepFinding, TokenFlip
from npu_adapt.workflows.generate.plan import Plan
from npu_adapt.workflows.generate.text import Text
from npu_adapt.workflows.generate.texts import error_rates, label, pieces


def generation_record(
    loaded: LoadedModel,
    plan: Plan,
    texts: Sequence[Text],
    suspect: StepFinding | None,
    invariance: tuple[Invariance, ...],
    missing: tuple[Fact, ...],
) -> Generation:
    """The record; shares are over the positions of all texts."""
    written = tuple(_text(loaded, text) for text in texts)
    flips = tuple(_flip(loaded, text.number, flip) for text in texts for flip in text.flips)
    distance, over = max((_between_paths(text) for text in texts), key=lambda pair: _badness(pair[1]))
    return Generation(
        asked=plan.count,
        beams=plan.settings.beams,
        settings=(*plan.facts, *missing),
        texts=written,
        flips=flips,
        positions=sum(len(text.errors_over_floor) for text in written),
        **shares(written, flips),
        cache_relative_l2=distance,
        cache_over_floor=over,
        invariance=invariance,
        suspect=suspect,
    )


def _text(loaded: LoadedModel, text: Text) -> GeneratedText:
    reference, candidate = (each[0].tolist() for each in (text.reference.tokens, text.candidate_tokens))
    said, heard = pieces(loaded, reference), pieces(loaded, candidate)
    words, characters = error_rates("".join(said), "".join(heard))
    start = text.prompt.sample.tensors.get("input_ids", text.reference.start)
    return GeneratedText(
        sample=text.number,
        prompt=text.prompt.text,
        prompt_tokens=int(start.shape[-1]),
        reference_tokens=tuple(reference),
        candidate_tokens=tuple(candidate),
        reference_pieces=said,
        candidate_pieces=heard,
        reference_text="".join(said),
        candidate_text="".join(heard),
        parts_at=parting(reference, candidate),
        margins_over_floor=_shown(text.margins),
        errors_over_floor=_shown(text.errors),
        cache_errors_over_floor=_shown(text.cache_errors),
        word_error_rate=words,
        character_error_rate=characters,
    )


def _flip(loaded: LoadedModel, sample: int, flip: Flip) -> TokenFlip:
    written, chosen = (label(loaded, token) for token in (flip.written, flip.chosen))
    return TokenFlip(
        sample=sample,
        position=flip.position,
        reference_token=flip.written,
        candidate_token=flip.chosen,
        reference_piece=written,
        candidate_piece=chosen,
        margin=_finite(flip.margin),
        margin_over_floor=_finite(flip.over_floor),
    )


def _between_paths(text: Text) -> tuple[float | None, float | None]:
    """Relative L2 between the device's logits with the cache and without it, and that in noise floors."""
    distance = compare_tensors(text.found, text.at_once).relative_l2
    floor = text.floor.floor
    return distance, None if distance is None or not floor else distance / floor


def _shown(values: Tensor) -> tuple[float | None, ...]:
    """Four digits of each are more than a screen shows, and keep the record small."""
    return tuple(None if not math.isfinite(value) else float(f"{value:.4g}") for value in values.tolist())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _badness(over: float | None) -> float:
    return math.inf if over is None else over
