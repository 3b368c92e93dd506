"""`npu-adapt sweep`."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from npu_adapt.cli import options
from npu_adapt.cli.options import Option
from npu_adapt.cli.parameters import takes
from npu_adapt.cli.streams import stdin_waits
from npu_adapt.errors import ExitCode, Sentence, UsageError
from npu_adapt.records import Fact
from npu_adapt.workflows.sweep.request import SweepRequest

if TYPE_CHECKING:
    from npu_adapt.cli.sweep_screen import Screen
    from npu_adapt.records.sweep import Sweep
    from npu_adapt.report.phrases import Language
    from npu_adapt.workflows.sweep.folder import SweepFolder
    from npu_adapt.workflows.sweep.plan import Job

PAGE = "matrix.html"
STDIN_SECONDS = 1.0  # after which a list that does not come is waited for aloud

TABLE: options.Table = {
    "models": Option("Hub ids, directories or built-ins.", metavar="[MODEL]...", is_argument=True),
    "from_file": Option(
        "More models: one a line, or YAML with options for each; - is stdin.", spelling=("--from",), metavar="FILE"
    ),
    "run": Option("Which commands: env,fetch,infer,compare,bench,report.", metavar="LIST", is_list=True),
    "devices": Option("all accelerators, npu:0,npu:3, or cpu.", metavar="LIST"),
    "jobs": Option("How many models at a time. Default: one for each device; 1 on a CPU.", metavar="N"),
    "ray": Option("Run on a Ray cluster (extra: ray).", metavar="ADDRESS|local"),
    "set_options": Option(
        "An option for every model, for all commands or one; repeatable: dtype=float16, bench.iters=100",
        spelling=("--set",),
        metavar="NAME=VALUE",
    ),
    "model_timeout": Option("End a model after this long.", spelling=("--timeout",), metavar="SECONDS"),
    "retries": Option("Try a model so often again that crashed, hung or lost its device.", metavar="N"),
    "disk": Option(
        "Fetch models ahead, but keep at most this much: 200GB. What the sweep fetched goes after use.", metavar="SIZE"
    ),
    "keep_weights": Option("With --disk: remove no weights."),
    "name": Option("The sweep's folder below logs/sweeps. Default: the time.", metavar="NAME"),
    "resume": Option("Go on with that sweep: what is finished is not repeated.", metavar="NAME"),
    "diff": Option("Say what changed between two sweeps: sweep --diff OLD NEW. Exit 3 where something got worse."),
    "only": Option("With --resume: run only these again."),
    "logs": options.LOGS,
    **options.OUTPUT,
}


@takes(TABLE)
def sweep(
    request: SweepRequest,
    output: options.Output,
    models: tuple[str, ...] = (),
    from_file: Path | None = None,
    set_options: tuple[str, ...] = (),
    diff: bool = False,
) -> None:
    """Run many models over all devices, each in processes of its own: one matrix, failures grouped by cause.

    Exit code 3: a model failed, or with --diff something got worse.

    Example: npu-adapt sweep --from models.txt --devices all --timeout 1800 --name night
    """
    if diff:
        show_difference(models, request.logs, output)
        return
    from npu_adapt.cli.run import print_json
    from npu_adapt.cli.sweep_screen import screen_for
    from npu_adapt.report.phrases.facts import told
    from npu_adapt.workflows.processes.children import terminated_as_interrupted
    from npu_adapt.workflows.sweep.command import sweep as run_sweep
    from npu_adapt.workflows.sweep.listing import STDIN

    if from_file == STDIN and stdin_waits(STDIN_SECONDS):  # said with --quiet, too: who waits knows for what
        typer.echo(told("sweep", Fact("stdin-waits"), output.language), err=True)
    with terminated_as_interrupted(), screen_for(output) as screen:
        jobs = _jobs(request, models, from_file, set_options, screen)
        record, folder = run_sweep(request, jobs, screen, partial(write_pages, language=output.language))
    if output.json:
        print_json(record)
    else:
        show(record, folder, output)
    if record.counts.failed or record.counts.not_run:
        raise typer.Exit(ExitCode.VERDICT_FAILED)


def _jobs(
    request: SweepRequest, models: tuple[str, ...], from_file: Path | None, set_options: tuple[str, ...], screen: Screen
) -> tuple[Job, ...]:
    """The jobs of the models that were named; none where a sweep goes on with its own list. Raises `UsageError`."""
    from npu_adapt.cli.sweep_calls import jobs_of
    from npu_adapt.workflows.sweep.listing import options_from, read_list

    if request.only is not None and request.resume is None:
        raise UsageError("--only needs a sweep to go on with", hint="--resume NAME --only failed")
    if request.resume is not None and request.name is not None:
        raise UsageError("--resume names the sweep already", hint="leave --name out")
    listed = read_list(models, from_file)
    if request.resume is not None and not models and from_file is None:
        if set_options:
            raise UsageError(
                "--set is for a new list of models", hint="with --resume, name the models too: --from FILE"
            )
        return ()
    listed = replace(listed, defaults={**listed.defaults, **options_from(set_options)})
    jobs, twice = jobs_of(listed, request, Path.cwd())
    if twice:
        screen.says(Fact("twice", {"models": twice}))
    return jobs


def show(record: Sweep, folder: SweepFolder, output: options.Output) -> None:
    """One screen, or with `--details` the whole matrix."""
    from npu_adapt.cli.console import print_result
    from npu_adapt.report.sweep.first import first_sweep
    from npu_adapt.report.sweep.matrix import matrix_report
    from npu_adapt.report.terminal import report_screen

    if output.details:
        print_result(report_screen(matrix_report(record, output.language)))
    else:
        print_result(first_sweep(record, output.language, folder.path / PAGE))


def write_pages(record: Sweep, folder: SweepFolder, language: Language) -> None:
    """The matrix in every form, beside its record. Raises `UsageError` where the disk takes no more."""
    from npu_adapt.evidence.atomic import write_together
    from npu_adapt.report.markdown import markdown
    from npu_adapt.report.sweep import page, table_files
    from npu_adapt.report.sweep.matrix import matrix_report

    forms = {
        "matrix.md": markdown(matrix_report(record, language)),
        "matrix.csv": table_files.render_csv(record),
        "junit.xml": table_files.render_junit(record),
        PAGE: page.render(record, language),
    }
    try:
        write_together({folder.path / name: text.encode() for name, text in forms.items()})
    except OSError as error:
        raise folder.refused(error) from error


def show_difference(sweeps: tuple[str, ...], logs: Path, output: options.Output) -> None:
    """What changed. Raises `typer.Exit` where something got worse."""
    from npu_adapt.cli.console import print_result
    from npu_adapt.cli.run import print_json
    from npu_adapt.report.first.screen import LIMIT
    from npu_adapt.report.sweep.difference import diff_screen
    from npu_adapt.workflows.sweep.difference import compare_sweeps

    if len(sweeps) != 2:
        raise UsageError(
            Sentence("--diff compares two sweeps, and {number} are named", number=len(sweeps)),
            hint="sweep --diff OLD NEW",
        )
    found = compare_sweeps(*sweeps, logs)
    if output.json:
        print_json(found)
    else:
        print_result(diff_screen(found, output.language, limit=sys.maxsize if output.details else LIMIT))
    if found.worse:
        raise typer.Exit(ExitCode.VERDICT_FAILED)
