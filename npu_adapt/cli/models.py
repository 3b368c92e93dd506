"""`npu-adapt models`: what the registry holds."""

from __future__ import annotations

from importlib import import_module
from threading import Thread
from typing import Annotated

import typer

from npu_adapt.cli import options
from npu_adapt.errors import ExitCode, UsageError

models = typer.Typer(no_args_is_help=True)


@models.callback()
def registry() -> None:
    """The models that are registered on this machine: list them, verify their bytes, find or remove them."""


@models.command("list")
def list_models(cache_dir: options.CacheDir = None, json: options.Json = False, quiet: options.Quiet = False) -> None:
    """List the registered models: size, source, revision, what they were verified against and when, last use.

    Example: npu-adapt models list --json
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.run import print_record
    from npu_adapt.report.registry_tables import render_list
    from npu_adapt.workflows.registry import list_models as run_list

    print_record(run_list(cache_dir, progress_for(quiet=quiet)), render_list, as_json=json)


@models.command("verify")
def verify(
    ctx: typer.Context,
    model: options.MaybeModel = None,
    revision: options.Revision = None,
    source: options.SourceOption = options.Source.auto,
    cache_dir: options.CacheDir = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Hash the files of a model again, or of all models: exit code 5 where one is not what it was. Works offline.

    Example: npu-adapt models verify google/vit-base-patch16-224
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.request import model_request
    from npu_adapt.cli.run import print_record
    from npu_adapt.workflows.registry import verify_models

    request = model_request(ctx.params) if model else None
    # Tables are loaded while files are hashed, which needs no interpreter: a tenth of a second.
    Thread(target=import_module, args=("npu_adapt.report.registry_tables",), name="loading").start()
    verification = verify_models(request, cache_dir, progress_for(quiet=quiet))
    from npu_adapt.report.registry_tables import render_verification

    print_record(verification, render_verification, as_json=json)
    if not verification.passed:
        raise typer.Exit(ExitCode.MODEL)


@models.command("remove")
def remove(
    ctx: typer.Context,
    model: options.NamedModel,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    revision: options.Revision = None,
    source: options.SourceOption = options.Source.auto,
    cache_dir: options.CacheDir = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Delete a model from its hub's cache and forget it. Files that another revision uses stay, and so do folders.

    Example: npu-adapt models remove google/vit-base-patch16-224 --yes
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.request import model_request
    from npu_adapt.cli.run import print_record
    from npu_adapt.models.registry import Registry, cache_folder
    from npu_adapt.report.registry_tables import render_removed
    from npu_adapt.workflows.registry import entries_of, remove_models

    held = Registry(cache_folder(cache_dir), progress_for(quiet=quiet).say)
    entries = entries_of(model_request(ctx.params), held)
    if yes or confirmed(f"Remove {model} ({', '.join(entry.path for entry in entries)})?"):
        print_record(remove_models(entries, held), render_removed, as_json=json)
    else:
        typer.echo("nothing was removed", err=True)


def confirmed(question: str) -> bool:
    """The answer to `question`, asked on stderr. Raises `UsageError` where nobody answers."""
    from rich.prompt import Confirm
    from rich.text import Text

    from npu_adapt.cli.console import stderr_console
    from npu_adapt.report.document import printable

    try:
        return Confirm.ask(Text(printable(question)), console=stderr_console(), default=False)
    except EOFError as error:
        raise UsageError("nobody answered whether to remove it", hint="give --yes to remove without asking") from error


@models.command("path")
def path(
    ctx: typer.Context,
    model: options.NamedModel,
    revision: options.Revision = None,
    source: options.SourceOption = options.Source.auto,
    weights_root: options.WeightsRoot = None,
    cache_dir: options.CacheDir = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    allow_pickle: options.AllowPickle = False,
) -> None:
    """Print the folder of a model that is on this disk, for scripts.

    Example: ls "$(npu-adapt models path google/vit-base-patch16-224)"
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.request import model_request
    from npu_adapt.cli.run import print_json
    from npu_adapt.workflows.registry import path_of

    found = path_of(model_request(ctx.params), progress_for(quiet=quiet))
    if json:
        print_json(found)
    else:
        typer.echo(found.path)
