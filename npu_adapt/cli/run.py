"""Runs a workflow for a command: its progress, its record or tables on stdout, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from npu_adapt.cli.console import only_the_record, print_result, progress_for
from npu_adapt.cli.options import Output
from npu_adapt.devices.preconditions import require_fit_process
from npu_adapt.errors import EvidenceNotWritten, ExitCode
from npu_adapt.progress import Progress
from npu_adapt.records import Summary, as_json, encode

if TYPE_CHECKING:
    from rich.console import RenderableType

    from npu_adapt.report.screens import Command

Workflow = Callable[[Progress], Summary]
RecordType = TypeVar("RecordType")


def run_command(
    command: Command,
    output: Output,
    logs: Path,
    workflow: Workflow,
    passed: Callable[[Summary], bool] = lambda summary: True,
) -> None:
    """Runs `workflow` and prints its summary: the command's first screen, everything, or with `--json` the record.

    Raises `typer.Exit` with `VERDICT_FAILED` where `passed` says no.
    """
    require_fit_process()
    progress = progress_for(quiet=output.quiet, language=output.language)
    if output.json:
        with only_the_record() as stdout:
            summary = workflow(progress)
            stdout.write(encode(summary).decode())
    else:
        try:
            summary = workflow(progress)
        except EvidenceNotWritten as error:  # what was measured is shown; that it was not written is the error
            print_summary(command, error.summary, output, logs)
            raise
        print_summary(command, summary, output, logs)
    if not passed(summary):
        raise typer.Exit(ExitCode.VERDICT_FAILED)


def print_summary(command: Command, summary: Summary, output: Output, logs: Path) -> None:
    """What the command found: one screen, or everything with `--details`."""
    from npu_adapt.report.screens import details, screen

    if output.details:
        print_result(details(command, summary, output.language))
    else:
        print_result(screen(command, summary, output.language, logs))


def print_record(record: RecordType, render: Callable[[RecordType], RenderableType], *, as_json: bool) -> None:
    """A record that is no summary, on stdout: as `render` draws it, or as JSON."""
    if as_json:
        print_json(record)
    else:
        print_result(render(record))


def print_json(record: object) -> None:
    """A record, or a tuple of them, on stdout."""
    sys.stdout.write(as_json(record).decode())
