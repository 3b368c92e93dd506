"""What both sides wrote, token by token, and whether rounding explains each token that differs."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from npu_adapt.numerics.token_rules import is_tie
from npu_adapt.records import Generation, TokenFlip
from npu_adapt.report.document import Block, Code, Inline, listing, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.blocks import table

PATH = "compare.generation"
TEXT_LIMIT = 10  # texts shown in full; the summary holds them all
FLIP_LIMIT = 20  # rows of tokens that differ; likewise


def generation(figures: Figures) -> tuple[Block, ...]:
    """Texts side by side, flips, shares, ways of reading; nothing unless it was asked for."""
    compare = figures.summary.compare
    found = None if compare is None else compare.generation
    if compare is None or found is None:
        return ()
    settings = [figures.tell("setting", each) for each in found.settings]
    return (
        sentence(figures.say("caption-texts")),
        *texts(figures, found, compare.candidate, compare.reference),
        *suspect(figures, found),
        *flips(figures, found),
        sentence(share_words(figures, found)),
        cache_path(figures),
        *invariance(figures, found),
        *((listing(settings),) if settings else ()),
    )


def share_words(figures: Figures, found: Generation) -> str:
    """How many tokens a correct device may flip, and how many this one did."""
    ties = sum(map(is_tie, found.flips))
    return figures.say(
        "first-flips",
        may=figures(f"{PATH}.may_flip"),
        expected=figures(f"{PATH}.expected_flip"),
        did=figures(f"{PATH}.did_flip"),
        positions=figures(f"{PATH}.positions"),
        ties=str(ties),
        faults=str(len(found.flips) - ties),
    )


def flip_word(figures: Figures, flip: TokenFlip) -> str:
    """Whether rounding explains it."""
    return figures.say("word-tie" if is_tie(flip) else "word-fault")


def texts(figures: Figures, found: Generation, candidate: str, reference: str) -> Iterator[Block]:
    """Each text once where both sides wrote the same, else one below the other with the differing words marked."""
    lines = []
    for at, text in enumerate(found.texts[:TEXT_LIMIT]):
        sample = str(text.sample)
        if text.candidate_tokens == text.reference_tokens:
            shown = text.candidate_text or figures.say("empty")
            lines.append(figures.say("texts-equal", sample=sample, text=shown))
            continue
        one, other = marked(text.reference_text, text.candidate_text)
        for side, shown in ((reference, one), (candidate, other)):
            lines.append(figures.say("text-of", sample=sample, side=side, text=shown or figures.say("empty")))
        if text.word_error_rate is not None:
            path = f"{PATH}.texts.{at}"
            words, characters = figures(f"{path}.word_error_rate"), figures(f"{path}.character_error_rate")
            lines.append(figures.say("first-rates", words=words, characters=characters))
    yield listing(lines)
    if len(found.texts) > TEXT_LIMIT:
        yield sentence(figures.say("and-more", number=str(len(found.texts) - TEXT_LIMIT)))


def marked(reference: str, candidate: str) -> tuple[str, str]:
    """Both texts with the words that only one has in [-…-] and {+…+}, as wdiff marks them."""
    one, other = reference.split(), candidate.split()
    left, right = [], []
    for kind, start, end, begin, finish in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        words, others = " ".join(one[start:end]), " ".join(other[begin:finish])
        if words:
            left.append(words if kind == "equal" else f"[-{words}-]")
        if others:
            right.append(others if kind == "equal" else f"{{+{others}+}}")
    return " ".join(left), " ".join(right)


def suspect(figures: Figures, found: Generation) -> tuple[Block, ...]:
    """The operator to look at first; nothing where none failed."""
    first = found.suspect
    if first is None:
        return ()
    places = {"module": first.module, "operator": first.operator, "test": first.test}
    where = {name: figures(f"{PATH}.suspect.{name}") for name in ("sample", "position")}
    return (sentence(figures.say("writing-first", **places, **where), tone="bad"),)


def flips(figures: Figures, found: Generation) -> Iterator[Block]:
    """Every token that differs: both tokens, the margin between them, and whether rounding explains it."""
    rows: list[tuple[Inline, ...]] = []
    for at, flip in enumerate(found.flips[:FLIP_LIMIT]):
        path = f"{PATH}.flips.{at}"
        tokens = (
            Code(flip.reference_piece or str(flip.reference_token)),
            Code(flip.candidate_piece or str(flip.candidate_token)),
        )
        sizes = (figures.short(f"{path}.margin"), figures.short(f"{path}.margin_over_floor"))
        explained = flip_word(figures, flip)
        rows.append((figures(f"{path}.sample"), figures(f"{path}.position"), *tokens, *sizes, explained))
    if not rows:
        return
    columns = ("sample", "position", "reference-token", "candidate-token", "margin", "over-floor", "explained")
    yield table(figures, "flips", columns, rows, frozenset({"sample", "position", "margin", "over-floor"}))
    if len(found.flips) > FLIP_LIMIT:
        yield sentence(figures.say("and-more", number=str(len(found.flips) - FLIP_LIMIT)))


def cache_path(figures: Figures) -> Block:
    """How far the device's logits with the cache are from those without it."""
    distance, over = (figures(f"{PATH}.{name}") for name in ("cache_relative_l2", "cache_over_floor"))
    return sentence(figures.say("cache-path", distance=distance, over=over))


def invariance(figures: Figures, found: Generation) -> tuple[Block, ...]:
    """The first prompt read in other ways, and where those begin to differ that are outside the floor."""
    rows: list[tuple[Inline, ...]] = []
    for at, each in enumerate(found.invariance):
        path = f"{PATH}.invariance.{at}"
        where = f"{each.module} ({each.operator})" if each.module else figures.say("none")
        rows.append(
            (
                figures.say(f"word-{each.variant}"),
                figures(f"{path}.differing"),
                figures.short(f"{path}.float64_relative_l2"),
                figures.short(f"{path}.error_over_floor"),
                figures.say("by-model") if each.by_model else where,
            )
        )
    columns = ("way", "differing", "relative-l2", "over-floor", "module")
    return (table(figures, "invariance", columns, rows, frozenset(columns[1:4])),) if rows else ()
