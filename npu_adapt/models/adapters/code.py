"""The boundary to the code of an adapter: whatever it raises is shown as the user's own, with its traceback."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from npu_adapt.errors import NpuAdaptError, Sentence, UserCodeFailed, said
from npu_adapt.models.strangers import foreign_code, is_out_of_memory


@contextmanager
def users_code(file: Path, failed: str, hint: str) -> Iterator[None]:
    """Within the context the user's code runs; `failed` is what is said where it raises, with a place for the file.

    Errors of ours and Ctrl-C pass, and memory that runs out is a failed run. Raises `UserCodeFailed`, and `RunFailed`.
    """
    try:
        yield
    except (NpuAdaptError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        if is_out_of_memory(error):
            with foreign_code("weights", file):
                raise
        told = Sentence("it calls sys.exit({code})", code=error.code) if isinstance(error, SystemExit) else said(error)
        message = Sentence.joined(": ", [Sentence(failed, file=file.name), told])
        raise UserCodeFailed(
            Sentence.joined("", [message, _line(error, file)]), hint=hint, traceback=_own_traceback(error, file)
        ) from error


def _line(error: BaseException, file: Path) -> str:
    """The line of the file that led to the error; empty where none did: it cannot be parsed."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return Sentence(" (line {number}: {line})", number=lines[-1].lineno, line=lines[-1].line) if lines else ""


def _own_traceback(error: BaseException, file: Path) -> str:
    """The traceback from the file's own first frame on: how this package came there is nobody's business."""
    told = traceback.TracebackException.from_exception(error)
    first = next((at for at, frame in enumerate(told.stack) if frame.filename == str(file)), len(told.stack))
    told.stack = traceback.StackSummary.from_list(told.stack[first:])
    return "".join(told.format())
