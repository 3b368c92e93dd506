"""A command with its parameters as a fresh process gets them: encoded on its stdin, no arguments to retype."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, get_type_hints

import msgspec

from npu_adapt.errors import RunFailed, Sentence
from npu_adapt.records.exact import decode_exactly, encode_exactly

CHILD = (sys.executable, "-m", "npu_adapt.cli.child")  # reads a call from its stdin and carries it out


class Call(msgspec.Struct, frozen=True):
    """A command's name, and the values of its parameters by their names."""

    command: str
    parameters: Mapping[str, Any]

    def encode(self) -> bytes:
        return encode_exactly(self, _as_text)

    def start(self, **options: Any) -> subprocess.Popen[bytes]:
        """A fresh process that has read this call; `options` are those of `subprocess.Popen`."""
        try:
            child = subprocess.Popen(CHILD, stdin=subprocess.PIPE, **options)
        except OSError as error:
            raise RunFailed(
                Sentence("a fresh process cannot be started: {reason}", reason=error.strerror),
                hint="look at the limits of processes and memory: ulimit -a",
                stage="start",
                kind="other",
            ) from error
        try:
            assert child.stdin is not None
            with child.stdin as stdin:
                stdin.write(self.encode())
        except BrokenPipeError:  # it ended before it had read all: its exit code says how
            pass
        except BaseException:
            child.kill()
            child.wait()
            raise
        child.stdin = None
        return child


def read_call(stream: IO[bytes]) -> Call:
    """The call that a parent wrote; its parameters still plain values."""
    return decode_exactly(stream.read(), Call)


def plain_call(call: Call) -> Call:
    """The call with plain values only, as a file or another machine gets it."""
    return decode_exactly(call.encode(), Call)


def value_of(kind: Any, plain: Any) -> Any:
    """The value of the type `kind` from a plain one. Raises `msgspec.ValidationError`."""
    return msgspec.convert(plain, kind, dec_hook=_from_text)


def parameters_of(function: Callable[..., Any], plain: Mapping[str, Any]) -> dict[str, Any]:
    """The values that `function` takes, from the plain values of a call, by the types that it declares."""
    kinds = get_type_hints(function)
    names = [name for name in inspect.signature(function).parameters if name in plain]
    return {name: value_of(kinds[name], plain[name]) for name in names}


def _as_text(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} is handed to no process")


def _from_text(kind: type, value: Any) -> Any:
    if kind is Path:
        if not isinstance(value, str):
            raise msgspec.ValidationError("Expected a path")
        return Path(value)
    raise NotImplementedError(f"{kind} is handed to no process")
