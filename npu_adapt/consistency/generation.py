"""What the figures of a generation derive from: texts from pieces, where they part from tokens, shares from margins."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.consistency.contradiction import Contradiction, held
from npu_adapt.numerics.token_rules import generation_terms, parting, shares
from npu_adapt.records import Compare, GeneratedText, Generation, TokenFlip

PATH = "compare.generation"
OWN_TERMS = ("token-flip", "token-flips", "position-error", "cache-error", "invariance")


def of_generation(compare: Compare) -> Iterator[Contradiction]:
    """The contradictions of `compare.generation`."""
    found = compare.generation
    if found is None:
        return
    for at, text in enumerate(found.texts):
        yield from _of_text(f"{PATH}.texts.{at}", text)
    for at, flip in enumerate(found.flips):
        yield from _of_flip(f"{PATH}.flips.{at}", flip, found)
    positions = sum(len(text.margins_over_floor) for text in found.texts)
    yield from held(f"{PATH}.positions", found.positions, positions, "margins_over_floor of the texts")
    for name, derived in shares(found.texts, found.flips).items():
        yield from held(f"{PATH}.{name}", getattr(found, name), derived, "margins_over_floor of the texts, and flips")
    for at, each in enumerate(found.invariance):
        if each.float64_relative_l2 is not None and each.noise_floor:
            derived = each.float64_relative_l2 / each.noise_floor
            source = "float64_relative_l2 and noise_floor"
            yield from held(f"{PATH}.invariance.{at}.error_over_floor", each.error_over_floor, derived, source)
    yield from _of_terms(compare, found)


def _of_text(path: str, text: GeneratedText) -> Iterator[Contradiction]:
    tokens = {"reference": text.reference_tokens, "candidate": text.candidate_tokens}
    for side, written in tokens.items():
        pieces, whole = getattr(text, f"{side}_pieces"), getattr(text, f"{side}_text")
        yield from held(f"{path}.{side}_text", whole, "".join(pieces), f"{side}_pieces")
        if pieces:
            yield from held(f"{path}.{side}_pieces", len(pieces), len(written), f"{side}_tokens")
    parts_at = parting(text.reference_tokens, text.candidate_tokens)
    yield from held(f"{path}.parts_at", text.parts_at, parts_at, "both sides' tokens")
    if text.parts_at is None:
        yield from held(f"{path}.candidate_text", text.candidate_text, text.reference_text, "equal tokens")
    between = ("cache_errors_over_floor",) if text.cache_errors_over_floor else ()
    for name in ("margins_over_floor", "errors_over_floor", *between):
        yield from held(f"{path}.{name}", len(getattr(text, name)), len(text.reference_tokens), "reference_tokens")
    yield from _of_rates(path, text)


def _of_rates(path: str, text: GeneratedText) -> Iterator[Contradiction]:
    """The error rates again, where jiwer is installed; without a difference they are zero in any case."""
    if text.word_error_rate is None or text.character_error_rate is None:
        return
    recorded = {"word_error_rate": text.word_error_rate, "character_error_rate": text.character_error_rate}
    try:
        import jiwer
    except ImportError:
        derived = dict.fromkeys(recorded, 0.0) if text.parts_at is None else {}
    else:
        sides = (text.reference_text, text.candidate_text)
        derived = {"word_error_rate": jiwer.wer(*sides), "character_error_rate": jiwer.cer(*sides)}
    for name, value in derived.items():
        yield from held(f"{path}.{name}", recorded[name], value, "both sides' texts")


def _of_flip(path: str, flip: TokenFlip, found: Generation) -> Iterator[Contradiction]:
    """Its tokens are those of the text, and the margin is at least the one between the two best tokens."""
    text = next((each for each in found.texts if each.sample == flip.sample), None)
    if text is None or not 0 <= flip.position < len(text.reference_tokens):
        yield Contradiction(f"{path}.position", flip.position, "a position of its text", f"{PATH}.texts")
        return
    if found.beams == 1:  # else the best token of a position need not be the one of the best text
        written = text.reference_tokens[flip.position]
        yield from held(f"{path}.reference_token", flip.reference_token, written, "reference_tokens of its text")
    if found.beams == 1 and text.parts_at == flip.position < len(text.candidate_tokens):
        chosen = text.candidate_tokens[flip.position]
        yield from held(f"{path}.candidate_token", flip.candidate_token, chosen, "candidate_tokens of its text")
    least, over = text.margins_over_floor[flip.position], flip.margin_over_floor
    if least is not None and over is not None and over < least * (1 - 1e-3):
        yield Contradiction(f"{path}.margin_over_floor", over, least, "margins_over_floor of its text")


def _of_terms(compare: Compare, found: Generation) -> Iterator[Contradiction]:
    """Every term that does not hold is among the verdict's, and no other of its kinds is."""
    derived = generation_terms(found)
    for term in derived:
        if not term.holds and term not in compare.verdict.terms:
            yield Contradiction("compare.verdict.terms", "missing", f"{term.id} {term.value}", PATH)
    for at, term in enumerate(compare.verdict.terms):
        if term.id in OWN_TERMS and term not in derived:
            yield Contradiction(f"compare.verdict.terms.{at}", term.value, "another term", PATH)
