"""What was wrong with what was typed, where Typer says so and not npu-adapt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from npu_adapt.errors import Sentence, UsageError

OPTIONS = "npu-adapt COMMAND --help lists the options"


def _no_option(error: Any) -> UsageError:
    alike = error.possibilities
    hint = Sentence("perhaps {names}", names=", ".join(sorted(alike))) if alike else OPTIONS
    return UsageError(Sentence("there is no option {option}", option=error.option_name), hint=hint)


def _missing(error: Any) -> UsageError:
    return UsageError(Sentence("{parameter} is missing", parameter=_parameter(error)), hint=OPTIONS)


def _bad_value(error: Any) -> UsageError:
    wrong = Sentence("{parameter} cannot have the value that was given", parameter=_parameter(error))
    choices = getattr(error.param.type, "choices", None)
    hint = Sentence("one of: {names}", names=", ".join(_plain(each) for each in choices)) if choices else OPTIONS
    return UsageError(wrong, hint=hint)


def _bad_option(error: Any) -> UsageError:
    message = Sentence("{option} lacks its value, or was given one that it does not take", option=error.option_name)
    return UsageError(message, hint=OPTIONS)


# By the name of the class: Typer vendors its parser, or takes click, and the classes are not the same.
READERS: dict[str, Callable[[Any], UsageError]] = {
    "NoSuchOption": _no_option,
    "MissingParameter": _missing,
    "BadParameter": _bad_value,
    "BadOptionUsage": _bad_option,
}


def is_about_the_line(error: Exception) -> bool:
    """Whether it is Typer's: its exceptions are known by how they present themselves. One of them is the help."""
    return hasattr(error, "format_message") and type(error).__name__ != "NoArgsIsHelpError"


def in_our_words(error: Any, words: Sequence[str]) -> UsageError:
    """The same fault as an error of ours, which can be said in every language. `words` are the line that was typed."""
    read = READERS.get(type(error).__name__)
    if read is not None and (not hasattr(error, "param") or error.param is not None):
        return read(error)
    line = " ".join(["npu-adapt", *words])
    return UsageError(
        Sentence("there is no such command, or it does not take all of this: {line}", line=line), hint=OPTIONS
    )


def _parameter(error: Any) -> str:
    hint = error.param_hint or error.param.get_error_hint(error.ctx)
    return hint.strip("'") if isinstance(hint, str) else ", ".join(hint)


def _plain(choice: Any) -> str:
    return str(getattr(choice, "value", choice))
