"""`npu-adapt env`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from npu_adapt.cli import options
from npu_adapt.cli.options import Option
from npu_adapt.cli.parameters import takes
from npu_adapt.errors import EvidenceNotWritten, ExitCode
from npu_adapt.report.language import language_of
from npu_adapt.report.phrases.phrase import Language

if TYPE_CHECKING:
    from npu_adapt.records import Summary
    from npu_adapt.report.screens import EnvironmentScreens
    from npu_adapt.workflows.env.command import EnvRequest


TABLE: options.Table = {
    "check": Option("Exit with 4 when no accelerator is usable."),
    "save": Option("Keep the record in FILE, for a later --diff.", metavar="FILE"),
    "diff": Option("Say what changed since FILE, which --save or any other command wrote.", metavar="FILE"),
    "logs": options.LOGS,
    "timeout": Option("Give torch and npu-smi this long. Default: 60 and 20.", metavar="SECONDS"),
    **options.OUTPUT,
}


@takes(TABLE)
def env(
    ctx: typer.Context,
    json: bool = False,
    quiet: bool = False,
    check: bool = False,
    save: Path | None = None,
    diff: Path | None = None,
    logs: Path = options.LOGS_DEFAULT,
    timeout: options.Seconds | None = None,
    details: bool = False,
    lang: Language | None = None,
) -> None:
    """Examine this machine: versions, devices, and whatever does not fit, with the command that fixes it.

    Every device that torch sees computes 1 + 1, in a process of its own. The record goes to the logs' history, and to
    summary.json where that holds no figures of a model.

    Example: npu-adapt env --check
    """
    from npu_adapt.workflows.env.command import EnvRequest, any_usable

    request = EnvRequest(
        command_line=options.command_line(),
        logs=logs,
        logs_named=options.was_given(ctx, "logs"),
        timeout=timeout,
        save=save,
        diff=diff,
        autoload=ctx.obj in {None, "1"},
    )
    if json:
        summary = examine_as_json(request, quiet=quiet, language=language_of(lang))
    else:
        from npu_adapt.report.screens import EnvironmentScreens

        screens = EnvironmentScreens(language_of(lang), logs, details=details)
        summary = examine_on_screen(request, screens, quiet=quiet, language=language_of(lang))
    if check and not any_usable(summary):
        say_why_the_check_fails(summary, language_of(lang))
        raise typer.Exit(ExitCode.NO_DEVICE)


def say_why_the_check_fails(summary: Summary, language: Language) -> None:
    """On stderr, whatever is on stdout: the exit code, and the finding that matters most."""
    from npu_adapt.report.document import printable
    from npu_adapt.report.examination import check_failed
    from npu_adapt.report.figures import Figures

    typer.echo(printable(check_failed(Figures(summary, language))), err=True)


def examine_as_json(request: EnvRequest, *, quiet: bool, language: Language) -> Summary:
    """Examines, and prints the record and nothing else on stdout."""
    from npu_adapt.cli.console import only_the_record, progress_for
    from npu_adapt.records import encode
    from npu_adapt.workflows.env.command import examine

    with only_the_record() as stdout:
        summary = examine(request, partial(progress_for, quiet=quiet, language=language), lambda at_once: None)
        stdout.write(encode(summary).decode())
    return summary


def examine_on_screen(request: EnvRequest, screens: EnvironmentScreens, *, quiet: bool, language: Language) -> Summary:
    """Examines, and prints what can be read at once before what has to be waited for."""
    from npu_adapt.cli.console import print_result, progress_for
    from npu_adapt.workflows.env.command import examine

    shown: list[Summary] = []

    def show(at_once: Summary) -> None:
        shown.append(at_once)
        print_result(screens.at_once(at_once))

    try:
        summary = examine(request, partial(progress_for, quiet=quiet, language=language), show)
    except EvidenceNotWritten as error:
        print_result(screens.answers(error.summary, shown[0]))
        raise
    print_result(screens.answers(summary, shown[0]))
    return summary
