"""The lines of a first screen on what both sides wrote."""

from __future__ import annotations

from collections.abc import Iterator

from npu_adapt.numerics.token_rules import is_outside, is_tie
from npu_adapt.records import Compare, Generation
from npu_adapt.report.document import Tone
from npu_adapt.report.figures import Figures
from npu_adapt.report.first.lines import line
from npu_adapt.report.first.screen import Line, clipped, listed
from npu_adapt.report.sections.generation import flip_word, share_words

PATH = "compare.generation"


def generation(figures: Figures, compare: Compare) -> Iterator[Line]:
    """What was written and where it parts, how many tokens flipped, and the ways of reading; nothing unless asked."""
    found = compare.generation
    if found is None:
        return
    yield from written(figures, compare, found)
    yield from flips(figures, found)
    yield from reading(figures, found)


def written(figures: Figures, compare: Compare, found: Generation) -> Iterator[Line]:
    """The first text that parts, else the first one."""
    at = next((at for at, text in enumerate(found.texts) if text.parts_at is not None), 0)
    text, path = found.texts[at], f"{PATH}.texts.{at}"
    several = figures.say("first-texts", number=str(len(found.texts))) if len(found.texts) > 1 and not at else None
    if text.parts_at is None:
        count = str(len(text.candidate_tokens))
        said = figures.say("first-written-same", number=count, reference=compare.reference)
        yield line(figures, "written", *listed(said, several))
        yield line(figures, "text", clipped(text.candidate_text or figures.say("empty")), rank=2)
        return
    flip = next((each for each in found.flips if (each.sample, each.position) == (text.sample, text.parts_at)), None)
    tokens = {"candidate": "", "written": ""}
    if flip is not None:
        tokens = {"candidate": flip.candidate_piece, "written": flip.reference_piece}
    said = figures.say(
        "first-written-parts", reference=compare.reference, position=figures(f"{path}.parts_at"), **tokens
    )
    margin = None
    if flip is not None:
        over = figures.short(f"{PATH}.flips.{found.flips.index(flip)}.margin_over_floor")
        margin = figures.say("first-margin", over=over, explained=flip_word(figures, flip))
    tone: Tone = "plain" if flip is None or is_tie(flip) or found.beams > 1 else "bad"
    yield line(figures, "written", *listed(said, margin, several), tone=tone)
    if text.word_error_rate is not None:
        rates = {"words": figures(f"{path}.word_error_rate"), "characters": figures(f"{path}.character_error_rate")}
        yield line(figures, "text", figures.say("first-rates", **rates), rank=2)


def flips(figures: Figures, found: Generation) -> Iterator[Line]:
    """How many tokens a correct device may flip, and how many this one did."""
    faults = not all(map(is_tie, found.flips))
    yield line(figures, "flips", share_words(figures, found), tone="bad" if faults else "plain")


def reading(figures: Figures, found: Generation) -> Iterator[Line]:
    """Whether reading in batches and chunks stays within the floor; what does not, by itself."""
    if not found.invariance:
        return
    overs = [each.error_over_floor for each in found.invariance]
    if not any(is_outside(each) or each.by_model for each in found.invariance):
        at = max(range(len(overs)), key=lambda each: overs[each] or 0.0)
        over = figures.short(f"{PATH}.invariance.{at}.error_over_floor")
        yield line(figures, "reading", figures.say("first-invariant", over=over), rank=2)
        return
    for at, each in enumerate(found.invariance):
        if not (is_outside(each) or each.by_model):
            continue
        over = figures.short(f"{PATH}.invariance.{at}.error_over_floor")
        said = figures.say("first-variant", way=figures.say(f"word-{each.variant}"), over=over)
        why = figures.say("by-model") if each.by_model else None
        yield line(figures, "reading", *listed(said, why), tone="caution" if each.by_model else "bad", rank=1)
