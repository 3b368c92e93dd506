"""What was written, as a person reads it: the text token by token, and how many words of it differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks import LoadedModel
from npu_adapt.models.tasks.task import token_label

UNFINISHED = "\ufffd"  # what a tokenizer gives for the first bytes of a character


def pieces(loaded: LoadedModel, tokens: Sequence[int]) -> tuple[str, ...]:
    """The text of the tokens, cut at each: joined, it is the whole. Empty where there is no tokenizer.

    A token that ends within a character has an empty piece; the one that completes it has the character. Tokens that
    end a text, and other special ones, have empty pieces too.
    """
    tokenizer: Any = loaded.processor.tokenizer
    if tokenizer is None:
        return ()
    found: list[str] = []
    with foreign_code("predictions", loaded.info.architecture):
        known = ""
        for count in range(1, len(tokens) + 1):
            text = str(tokenizer.decode(list(tokens[:count]), skip_special_tokens=True))
            if count < len(tokens) and (text.endswith(UNFINISHED) or not text.startswith(known)):
                found.append("")
                continue
            if not text.startswith(known):  # the last one: what was cut before is joined again
                found, known = [""] * len(found), ""
            found.append(text[len(known) :])
            known = text
    return tuple(found)


def label(loaded: LoadedModel, token: int) -> str:
    """What the token is called, special ones too; empty where there is no tokenizer."""
    return "" if loaded.processor.tokenizer is None else token_label(loaded)(token)


def error_rates(reference: str, candidate: str) -> tuple[float | None, float | None]:
    """(word, character) error rate of the candidate's text against the reference's, by jiwer.

    None: jiwer is not installed, or the reference's text is empty.
    """
    try:
        import jiwer
    except ImportError:
        return None, None
    if not reference.split():
        return None, None
    return float(jiwer.wer(reference, candidate)), float(jiwer.cer(reference, candidate))


def has_error_rates() -> bool:
    """Whether jiwer is installed."""
    from importlib.util import find_spec

    return find_spec("jiwer") is not None
