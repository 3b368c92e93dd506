"""`npu-adapt models`: what the registry holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from npu_adapt.cli import options
from npu_adapt.cli.commands import Commands, build_single
from npu_adapt.errors import ExitCode, UsageError
from npu_adapt.report.language import language_of

if TYPE_CHECKING:
    from npu_adapt.models.registry import Registry
    from npu_adapt.records.registry import RegistryEntry


def list_models(
    cache_dir: options.CacheDir = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    details: options.Details = False,
    lang: options.Lang = None,
) -> None:
    """List the registered models: size, source, revision, what they were verified against and when, last use.

    Example: npu-adapt models list --json
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.run import print_record
    from npu_adapt.report.registry_tables import render_list
    from npu_adapt.workflows.models.registry import list_models as run_list

    render = partial(render_list, language=language_of(options.value_of(lang)), details=details)
    print_record(run_list(cache_dir, progress_for(quiet=quiet)), render, as_json=json)


def verify(
    ctx: typer.Context,
    model: options.MaybeModel = None,
    revision: options.Revision = None,
    source: options.SourceOption = options.Source.auto,
    cache_dir: options.CacheDir = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    details: options.Details = False,
    lang: options.Lang = None,
) -> None:
    """Hash the files of a model again, or of all models: exit code 5 where one is not what it was. Works offline.

    Example: npu-adapt models verify google/vit-base-patch16-224
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.run import print_record
    from npu_adapt.models.registry import Registry, cache_folder
    from npu_adapt.workflows.models.verify import verify_models

    progress = progress_for(quiet=quiet)
    held = Registry(cache_folder(cache_dir), progress.say)
    entries = chosen(ctx, held) if model else held.entries()
    verification = verify_models(entries, held, progress, meanwhile=load_what_follows)
    from npu_adapt.report.registry_tables import render_verification

    render = partial(render_verification, language=language_of(options.value_of(lang)), details=details)
    print_record(verification, render, as_json=json)
    if not verification.passed:
        raise typer.Exit(ExitCode.MODEL)


def remove(
    ctx: typer.Context,
    model: options.NamedModel,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    revision: options.Revision = None,
    source: options.SourceOption = options.Source.auto,
    cache_dir: options.CacheDir = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    lang: options.Lang = None,
) -> None:
    """Delete a model from its hub's cache and forget it. Files that another revision uses stay, and so do folders.

    Example: npu-adapt models remove google/vit-base-patch16-224 --yes
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.run import print_record
    from npu_adapt.models.registry import Registry, cache_folder
    from npu_adapt.report.registry_tables import render_removed
    from npu_adapt.workflows.models.registry import remove_models

    held = Registry(cache_folder(cache_dir), progress_for(quiet=quiet).say)
    entries = chosen(ctx, held)
    if yes or confirmed(f"Remove {model} ({', '.join(entry.path for entry in entries)})?"):
        render = partial(render_removed, language=language_of(options.value_of(lang)))
        print_record(remove_models(entries, held), render, as_json=json)
    else:
        typer.echo("nothing was removed", err=True)


def chosen(ctx: typer.Context, held: Registry) -> tuple[RegistryEntry, ...]:
    """The entries of the model that the command names. Raises `ModelNotFound`."""
    from npu_adapt.cli.request import model_request
    from npu_adapt.workflows.models.registry import entries_of

    return entries_of(model_request(ctx.params), held)


def load_what_follows() -> None:
    """Imports what is needed once all is hashed, which needs no interpreter: a tenth of a second."""
    for module in ("npu_adapt.report.registry_tables", "filelock"):
        import_module(module)


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
    from npu_adapt.workflows.models.registry import path_of

    found = path_of(model_request(ctx.params), progress_for(quiet=quiet))
    if json:
        print_json(found)
    else:
        typer.echo(found.path)


FUNCTIONS: dict[str, Callable[..., None]] = {"list": list_models, "verify": verify, "remove": remove, "path": path}


class RegistryCommands(Commands):
    """The commands of `models`."""

    table: ClassVar = {name: (function.__doc__ or "").partition("\n")[0] for name, function in FUNCTIONS.items()}

    def build(self, name: str) -> Any:
        return build_single(name, FUNCTIONS[name])


models = typer.Typer(cls=RegistryCommands, no_args_is_help=True, add_completion=False)


@models.callback()
def registry() -> None:
    """The models that are registered on this machine: list them, verify their bytes, find or remove them."""
