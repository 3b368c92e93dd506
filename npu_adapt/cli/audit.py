"""`npu-adapt audit`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from npu_adapt.cli import options
from npu_adapt.cli.options import Option
from npu_adapt.cli.parameters import takes
from npu_adapt.errors import ExitCode
from npu_adapt.workflows.audit.request import AuditRequest

if TYPE_CHECKING:
    from npu_adapt.records.audit import Audit

TABLE: options.Table = {
    "path": Option("A report, a summary.json, a logs folder or a bundle.", metavar="PATH", is_argument=True),
    "offline": Option("Ask no hub what it lists for the weights."),
    **options.OUTPUT,
}


@takes(TABLE)
def audit(request: AuditRequest, output: options.Output) -> None:
    """Say what contradicts itself in a report, a bundle or a logs folder, ours or anybody's.

    Reads Markdown, text and HTML, Chinese or English. Exit code 3 when something contradicts itself.

    Example: npu-adapt audit README.md
    """
    from npu_adapt.cli.console import only_the_record, print_result, progress_for
    from npu_adapt.workflows.audit.command import audit as run

    progress = progress_for(quiet=output.quiet, language=output.language)
    if output.json:
        with only_the_record() as stdout:
            found = run(request, progress)
            stdout.write(as_json(found))
    else:
        from npu_adapt.report.audited import audit_details, audit_screen

        found = run(request, progress)
        print_result(audit_details(found, output.language) if output.details else audit_screen(found, output.language))
    if found.contradicts_itself:
        raise typer.Exit(ExitCode.VERDICT_FAILED)


def as_json(found: Audit) -> str:
    from npu_adapt import records

    return records.as_json(found).decode()
