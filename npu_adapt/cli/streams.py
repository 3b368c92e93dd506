"""The streams of a process, whatever its caller made of them: closed, without a reader, or on a disk that is full."""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
from contextlib import suppress
from typing import Any, TextIO

from npu_adapt.errors import ExitCode, Sentence, UsageError

STDIN, STDOUT, STDERR = 0, 1, 2
lost: list[OSError] = []  # why results were not written, in this process


def _as_bytes_or_escapes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Names that are not UTF-8 as the bytes that they are, and what the encoding does not have as escapes."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.backslashreplace_errors(error)


codecs.register_error("npu-adapt", _as_bytes_or_escapes)
# What the handlers of Python's own streams become: Chinese on an ASCII terminal is no reason to end.
ERRORS = {"strict": "backslashreplace", "surrogateescape": "npu-adapt"}


class Output(io.FileIO):
    """A stream that never raises: what cannot be written is dropped, and so is all after it.

    A reader that has gone away has seen what it wanted. Anything else is kept in `lost`, for results.
    """

    def __init__(self, descriptor: int, *, holds_results: bool) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._holds_results = holds_results

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if self._holds_results and not isinstance(error, BrokenPipeError):
                lost.append(error)
            _lead_nowhere(self.fileno())
            return memoryview(data).nbytes


def open_streams() -> None:
    """Makes the streams of this process ones that can be written to, also where it was started with closed ones."""
    for number in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(number)
        except OSError:
            _lead_nowhere(number)
    if sys.stdin is None:
        sys.stdin = open(STDIN, closefd=False)  # noqa: SIM115 - it stays open
    sys.stdout = text_output(STDOUT, sys.stdout, holds_results=True)
    sys.stderr = text_output(STDERR, sys.stderr, holds_results=False)


def text_output(descriptor: int, like: TextIO | None, *, holds_results: bool) -> TextIO:
    """A text stream on the descriptor, with the encoding and the buffering of `like`; None: UTF-8."""
    stream = io.BufferedWriter(Output(descriptor, holds_results=holds_results))
    if like is None:
        return io.TextIOWrapper(stream, "utf-8", "backslashreplace")
    line_buffering = getattr(like, "line_buffering", False)
    return io.TextIOWrapper(
        stream, like.encoding, ERRORS.get(like.errors or "", like.errors), line_buffering=line_buffering
    )


def ending(code: Any) -> Any:
    """The exit code of a command that ended with `code`: another one where its results were not written."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError):  # somebody closed it
            stream.flush()
    if not lost or code not in (None, ExitCode.PASSED):
        return code
    from npu_adapt.cli.app import language_typed, show_error

    reason = lost[0].strerror
    error = UsageError(
        Sentence("what was found cannot be written to stdout: {reason}", reason=reason),
        hint="make room on the disk, or send it elsewhere",
    )
    show_error(error, language_typed(()), as_json=False)
    sys.stderr.flush()
    return ExitCode.USAGE


def stdin_waits(seconds: float) -> bool:
    """Whether nothing comes on stdin for so long, not even its end: a terminal, or a pipe whose writer is at work."""
    try:
        return not select.select([STDIN], [], [], seconds)[0]
    except (OSError, ValueError):  # another system's, which knows no more than sockets
        return False


def _lead_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
