"""Texts as model inputs: given, read from a file, or chosen from a fixed list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.files import is_utf8, read_regular
from npu_adapt.models.origins import file_origin

MAX_BYTES = 4_000_000  # some million tokens, more than any model reads

# Plain facts, different in length and in subject, so that samples exercise different tokens and shapes.
SENTENCES = (
    "The quick brown fox jumps over the lazy dog while the river runs quietly to the sea.",
    "Water boils at a lower temperature on a high mountain, because the air there is thinner.",
    "She opened the old book, read the first line aloud, and smiled.",
    "Numbers that agree to three digits may still come from two different programs.",
    "In the spring of that year the bridge was rebuilt in stone, two spans longer than before.",
    "A photograph of the night sky shows far more stars than the eye can count.",
    "The train leaves at nine and arrives a little after noon.",
    "Bread, salt and clear water were all that the travellers had left.",
)


@dataclass(frozen=True)
class Text:
    """A text and where it came from."""

    text: str
    origin: str


def texts(values: Sequence[str], samples: int, seed: int) -> tuple[Text, ...]:
    """The texts given (a value that names a file is its content); without any, `samples` different sentences."""
    if values:
        return tuple(read_text(value) for value in values)
    return tuple(sentence(seed + number) for number in range(samples))


def sentence(number: int) -> Text:
    """The default sentence of that number; beyond the list, a sentence is made different by a closing remark."""
    turn, place = divmod(number, len(SENTENCES))
    text = SENTENCES[place] + (f" This is reading number {turn + 1}." if turn else "")
    return Text(text, Sentence("default sentence {number}", number=number))


def read_text(value: str) -> Text:
    """`value` itself, or the content of the UTF-8 file it names. Raises `UsageError` for an empty or foreign one."""
    path = Path(value)
    if not _is_file(path):
        if not value.strip():
            raise UsageError("the input text is empty", hint="give a text of at least one word")
        if not is_utf8(value):
            hint = "name a UTF-8 file that holds it, or set LC_ALL=C.UTF-8"
            raise UsageError("the text given with --input is not UTF-8", hint=hint)
        return Text(value, Sentence("text given with --input"))
    try:
        data = read_regular(path, MAX_BYTES)
        text = data.decode()
    except OSError as error:
        raise UsageError(
            Sentence("cannot read {path}: {reason}", path=path, reason=error.strerror),
            hint="give a UTF-8 text file, or the text",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            Sentence("cannot read {path} as text: {error}", path=path, error=error),
            hint="give a UTF-8 text file, or the text",
        ) from error
    if not text.strip():
        raise UsageError(Sentence("{path} holds no text", path=path), hint="give a text of at least one word")
    return Text(text, file_origin(path, data))


def _is_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # a sentence can be too long, or hold a NUL, for a file name
        return False
