"""The records of what both sides wrote, token by token."""

from __future__ import annotations

from npu_adapt.records.base import Fact, Record


class GeneratedText(Record, frozen=True, kw_only=True):
    """What both sides wrote after one prompt. Figures of positions are of the reference's own tokens."""

    sample: int
    prompt: str  # as it was given; empty: the prompt is no text
    prompt_tokens: int  # that both sides read, the chat template's included
    reference_tokens: tuple[int, ...]
    candidate_tokens: tuple[int, ...]
    reference_pieces: tuple[str, ...]  # of the text, one for each token; empty: there is no tokenizer
    candidate_pieces: tuple[str, ...]
    reference_text: str
    candidate_text: str
    parts_at: int | None  # the first position whose tokens differ; None: there is none
    margins_over_floor: tuple[float | None, ...]  # between the two best tokens; None: only one could be chosen
    errors_over_floor: tuple[float | None, ...]  # of the device's logits; None: not finite
    # Between the device's logits with the cache and without it; None: not finite. Empty: an older record.
    cache_errors_over_floor: tuple[float | None, ...] = ()
    word_error_rate: float | None = None  # of the candidate's text against the reference's; None: not computed
    character_error_rate: float | None = None  # None: likewise


class TokenFlip(Record, frozen=True, kw_only=True):
    """A position where the device, given the reference's tokens before it, chooses another token."""

    sample: int
    position: int
    reference_token: int
    candidate_token: int
    reference_piece: str  # empty: there is no tokenizer
    candidate_piece: str
    margin: float | None  # between the two, in logits, in float64; None: the device's token may not be chosen
    margin_over_floor: float | None  # None: likewise


class Invariance(Record, frozen=True, kw_only=True):
    """The prompt's logits where it is read in another way than alone."""

    variant: str  # batch-left | batch-right | chunks
    sample: int
    differing: float  # share of the logits that have other bits than alone
    float64_relative_l2: float | None  # None: not finite
    noise_floor: float | None  # of the prompt alone; None: not finite
    error_over_floor: float | None  # None: one of the two does not exist
    by_model: bool = False  # the reference shows it too: the model's own code is not invariant
    module: str | None = None  # where it begins; None: nothing is outside the floor, or it was not found
    operator: str | None = None  # None: likewise


class StepFinding(Record, frozen=True, kw_only=True):
    """The first operator that failed while the device read the prompt and wrote the reference's tokens."""

    sample: int
    position: int  # of the token whose logits it was computed for
    module: str
    operator: str
    test: str
    error_over_floor: float | None  # None: not finite


class Generation(Record, frozen=True, kw_only=True):
    """What both sides wrote, and whether each token that differs is explained by rounding."""

    asked: int  # tokens, at most
    beams: int
    settings: tuple[Fact, ...]  # of the model's generation configuration: what was kept and what was switched off
    texts: tuple[GeneratedText, ...]
    flips: tuple[TokenFlip, ...]
    positions: int  # of all samples
    may_flip: float  # share of positions whose margin a correct device may turn over
    expected_flip: float  # share that noise of one floor turns over on the average
    did_flip: float  # share that the device did
    cache_relative_l2: float | None  # between the device's logits with the cache and without it; None: not finite
    cache_over_floor: float | None  # None: likewise
    invariance: tuple[Invariance, ...] = ()
    suspect: StepFinding | None = None  # None: nothing is outside the floor, or no operator was found to fail
