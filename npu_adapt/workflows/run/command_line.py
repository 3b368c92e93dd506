"""The command line that does the same again, anywhere: what was typed, with everything named that was left open."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from npu_adapt.models.adapters.name import adapter_named
from npu_adapt.records import Summary
from npu_adapt.workflows.run.request import RunRequest

PROGRAM = "npu-adapt"
# Variables that decide which bytes or numbers a run gets, beside the options.
VARIABLES = ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT", "MODELSCOPE_DOMAIN", "OMP_NUM_THREADS")
HUBS = ("modelscope", "huggingface")


def reproducing(summary: Summary, request: RunRequest) -> Summary:
    """The summary whose command names what the run took: model, source, revision, inputs, device and type.

    A model that is a folder, and inputs that are files, are named by their full paths: run elsewhere, the command gives
    the same or refuses. A command that was not typed stays as it is.
    """
    line = completed(request.command_line, request, summary)
    commands = {**summary.commands, request.command: line}
    return replace(summary, command=line, commands=commands)


def completed(line: str, request: RunRequest, summary: Summary) -> str:
    """`line` with what it leaves open; as it is where no shell can read it or it is no command of this program."""
    try:
        words = shlex.split(line)
    except ValueError:
        return line
    if words[:2] != [PROGRAM, request.command]:
        return line
    typed = [_absolute(word, request) for word in words[2:]]
    asked = {word.partition("=")[0] for word in typed}
    open_ones = [pair for pair in _left_open(request, summary) if pair[0] not in asked]
    further = [word for pair in open_ones for word in pair]
    model = [] if request.model is not None or summary.model is None else [summary.model.id]
    settings = [f"{name}={shlex.quote(value)}" for name in VARIABLES if (value := os.environ.get(name))]
    return " ".join([*settings, shlex.join([*words[:2], *model, *typed, *further])])


def _left_open(request: RunRequest, summary: Summary) -> Iterator[tuple[str, str]]:
    """Option and value of what was decided for the user."""
    model, run = summary.model, summary.run
    if model is not None and model.source in HUBS:
        yield "--source", model.source
        if model.revision is not None:
            yield "--revision", model.revision
    if run is not None:
        if request.rehearse is None:
            yield "--device", run.device
        yield "--dtype", run.dtype
        if request.command == "bench":
            yield "--threads", str(run.threads)
        if request.attention == "auto" and run.attention in ("eager", "sdpa"):
            yield "--attention", run.attention


def _absolute(word: str, request: RunRequest) -> str:
    """A path of the request as it is called from anywhere; whatever else was typed as it is."""
    option, equals, value = word.partition("=")
    if equals and option in ("--input", "--weights"):
        return f"{option}={_absolute(value, request)}"
    named = (request.model, request.weights)
    if word not in (*request.inputs, *(str(each) for each in named if each is not None)):
        return word
    if word == request.model and (adapter := adapter_named(word)) is not None:
        return str(adapter)
    try:
        return str(Path(word).resolve()) if Path(word).exists() else word
    except (OSError, ValueError):  # a text is no path, and may be too long for one
        return word
