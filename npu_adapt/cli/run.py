"""Runs a workflow for a command: its progress, its deadline, its record or tables on stdout, its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from npu_adapt.cli import options
from npu_adapt.cli.console import only_the_record, print_result, progress_for
from npu_adapt.errors import ExitCode
from npu_adapt.progress import Progress
from npu_adapt.records import Summary, encode
from npu_adapt.report.language import language_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from npu_adapt.report.screens import Command

Workflow = Callable[[Progress], Summary]
RecordType = TypeVar("RecordType")


def run_command(
    command: Command,
    parameters: Mapping[str, Any],
    workflow: Workflow,
    passed: Callable[[Summary], bool] = lambda summary: True,
) -> None:
    """Runs `workflow` and prints its summary: the command's first screen, everything, or with `--json` the record.

    `parameters` are Typer's `ctx.params`. Raises `typer.Exit` with `VERDICT_FAILED` where `passed` says no.
    """
    seconds = parameters.get("timeout")
    if seconds is not None:
        from npu_adapt.workflows.processes.deadline import HANDOVER_VARIABLE, run_with_deadline

        if HANDOVER_VARIABLE not in os.environ:
            raise typer.Exit(run_with_deadline(sys.argv[1:], seconds, Path(parameters["logs"])))
    progress = progress_for(quiet=parameters["quiet"])
    if parameters["json"]:
        with only_the_record() as stdout:
            summary = workflow(progress)
            stdout.write(encode(summary).decode())
    else:
        summary = workflow(progress)
        print_summary(command, summary, parameters)
    if not passed(summary):
        raise typer.Exit(ExitCode.VERDICT_FAILED)


def print_summary(command: Command, summary: Summary, parameters: Mapping[str, Any]) -> None:
    """What the command found, in the user's language: one screen, or everything with `--details`."""
    from npu_adapt.report.screens import details, screen

    language = language_of(options.value_of(parameters["lang"]))
    if parameters["details"]:
        print_result(details(command, summary, language))
    else:
        print_result(screen(command, summary, language, Path(parameters["logs"])))


def print_record(record: RecordType, render: Callable[[RecordType], RenderableType], *, as_json: bool) -> None:
    """A record that is no summary, on stdout: as `render` draws it, or as JSON."""
    if as_json:
        print_json(record)
    else:
        print_result(render(record))


def print_json(record: object) -> None:
    """A record, or a tuple of them, on stdout."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(record), indent=2).decode() + "\n")
