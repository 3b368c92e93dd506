"""`npu-adapt report`: the adaptation report, from the summary and from nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from npu_adapt.cli import options
from npu_adapt.cli.options import Option
from npu_adapt.cli.parameters import takes
from npu_adapt.errors import Sentence, UsageError
from npu_adapt.report.phrases.phrase import Language
from npu_adapt.workflows.bundle.request import BundleRequest

if TYPE_CHECKING:
    from npu_adapt.records import Summary


TABLE: options.Table = {
    "out": Option("Write to FILE: .md Markdown, .html HTML, .json the report as data.", metavar="FILE"),
    "bundle": Option("Write all that is handed in to DIR: README, scripts, results, logs.", metavar="DIR"),
    "layout": Option("What --bundle holds: a contest's files, or a model zoo's too."),
    "logs": options.LOGS,
    **{name: options.OUTPUT[name] for name in ("json", "details", "lang")},
}


@takes(TABLE)
def report(
    output: options.Output, handed_in: BundleRequest, out: Path | None = None, logs: Path = options.LOGS_DEFAULT
) -> None:
    """Render the report of the last summary: one screen on a terminal, Markdown in a pipe or a file.

    Example: npu-adapt report --lang zh --bundle handin
    """
    from npu_adapt.evidence import Logs
    from npu_adapt.records import encode
    from npu_adapt.report.language import in_language
    from npu_adapt.workflows.reading import read_checked

    summary = read_checked(Logs(logs).summary_path)
    if out is not None:
        write_report(summary, output.language, out)
        typer.echo(in_language(Sentence("wrote {path}", path=out), output.language), err=True)
    if handed_in.bundle is not None:
        from npu_adapt.workflows.bundle.command import bundle

        bundle(summary, Logs(logs), handed_in.bundle, handed_in.layout, output.language)
        typer.echo(in_language(Sentence("wrote {path}", path=handed_in.bundle), output.language), err=True)
    if output.json:
        write_bytes(encode(summary))
    elif out is None and handed_in.bundle is None:
        show(summary, logs, output)


def write_report(summary: Summary, language: Language, out: Path) -> None:
    """Writes the report in the form that the file's ending names. Raises `UsageError` for any other ending."""
    from npu_adapt.evidence import write_atomically

    render = RENDERERS.get(out.suffix.lower())
    if render is None:
        endings = ", ".join(RENDERERS)
        raise UsageError(
            Sentence("{out} has no ending that names a form of report", out=out),
            hint=Sentence("end it in one of {endings}", endings=endings),
        )
    data = render(summary, language)
    try:
        write_atomically(out, data)
    except OSError as error:
        raise UsageError(
            Sentence("{out} cannot be written: {reason}", out=out, reason=error.strerror),
            hint="name another file with --out",
        ) from error


def show(summary: Summary, logs: Path, output: options.Output) -> None:
    """On a terminal one screen, or the whole report with `--details`; anything else gets the report as Markdown."""
    language = output.language
    if not sys.stdout.isatty():
        write_bytes(markdown_report(summary, language))
        return
    from npu_adapt.cli.console import print_result
    from npu_adapt.report.screens import report_details, report_summary

    print_result(report_details(summary, language) if output.details else report_summary(summary, language, logs))


def write_bytes(data: bytes) -> None:
    """UTF-8 on stdout whatever the locale: the text of a report is a file's content."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def markdown_report(summary: Summary, language: Language) -> bytes:
    from npu_adapt.report.markdown import render

    return render(summary, language).encode()


def html_report(summary: Summary, language: Language) -> bytes:
    from npu_adapt.report.html import render
    from npu_adapt.workflows.input_pictures import input_pictures

    return render(summary, language, input_pictures(summary)).encode()


def report_as_data(summary: Summary, language: Language) -> bytes:
    from npu_adapt.records import as_json
    from npu_adapt.report.adaptation import adaptation_report

    return as_json(adaptation_report(summary, language))


RENDERERS: dict[str, Callable[[Summary, Language], bytes]] = {
    ".md": markdown_report,
    ".markdown": markdown_report,
    ".html": html_report,
    ".htm": html_report,
    ".json": report_as_data,
}
