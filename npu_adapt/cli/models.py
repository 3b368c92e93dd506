"""`npu-adapt models`: what the registry holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from npu_adapt.cli import options
from npu_adapt.cli.commands import Commands, build_single
from npu_adapt.cli.options import Option
from npu_adapt.cli.parameters import takes
from npu_adapt.errors import ExitCode, UsageError
from npu_adapt.models.request import ModelRequest, Source

if TYPE_CHECKING:
    from npu_adapt.models.registry import Registry
    from npu_adapt.records.registry import RegistryEntry


# Which model of the registry, in the commands that take one.
CHOICE: options.Table = {"revision": options.REVISION, "source": options.SOURCE, "cache_dir": options.CACHE_DIR}


@takes({"cache_dir": options.CACHE_DIR, **options.OUTPUT})
def list_models(output: options.Output, cache_dir: Path | None = None) -> None:
    """List the registered models: size, source, revision, what they were verified against and when, last use.

    Example: npu-adapt models list --json
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.run import print_record
    from npu_adapt.report.registry_tables import render_list
    from npu_adapt.workflows.models.registry import list_models as run_list

    render = partial(render_list, language=output.language, details=output.details)
    print_record(
        run_list(cache_dir, progress_for(quiet=output.quiet, language=output.language)), render, as_json=output.json
    )


@takes({"model": options.MAYBE_MODEL, **CHOICE, **options.OUTPUT})
def verify(
    output: options.Output,
    model: str | None = None,
    revision: str | None = None,
    source: Source = "auto",
    cache_dir: Path | None = None,
) -> None:
    """Hash the files of a model again, or of all models: exit code 5 where one is not what it was. Works offline.

    Example: npu-adapt models verify google/vit-base-patch16-224
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.run import print_record
    from npu_adapt.models.registry import Registry, cache_folder
    from npu_adapt.workflows.models.verify import verify_models

    progress = progress_for(quiet=output.quiet, language=output.language)
    held = Registry(cache_folder(cache_dir), progress.say)
    entries = held.entries()
    if model:
        entries = chosen(ModelRequest(model, revision=revision, source=source, cache_dir=cache_dir), held)
    verification = verify_models(entries, held, progress, meanwhile=load_what_follows)
    from npu_adapt.report.registry_tables import render_verification

    render = partial(render_verification, language=output.language, details=output.details)
    print_record(verification, render, as_json=output.json)
    if not verification.passed:
        raise typer.Exit(ExitCode.MODEL)


@takes(
    {"model": options.NAMED_MODEL, "yes": Option("Do not ask.", spelling=("--yes", "-y")), **CHOICE, **options.OUTPUT}
)
def remove(request: ModelRequest, output: options.Output, yes: bool = False) -> None:
    """Delete a model from its hub's cache and forget it. Files that another revision uses stay, and so do folders.

    Example: npu-adapt models remove google/vit-base-patch16-224 --yes
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.run import print_record
    from npu_adapt.models.registry import Registry, cache_folder
    from npu_adapt.report.phrases import say
    from npu_adapt.report.registry_tables import removal_lines, render_removed
    from npu_adapt.workflows.models.registry import plan_removals, remove_models

    held = Registry(cache_folder(request.cache_dir), progress_for(quiet=output.quiet, language=output.language).say)
    planned = plan_removals(chosen(request, held))
    lines = removal_lines([each.record for each in planned], output.language)
    if yes or confirmed("\n".join([*lines, say("remove-question", output.language, model=request.model)])):
        render = partial(render_removed, language=output.language)
        print_record(remove_models(planned, held), render, as_json=output.json)
    else:
        typer.echo(say("nothing-removed", output.language), err=True)


def chosen(request: ModelRequest, held: Registry) -> tuple[RegistryEntry, ...]:
    """The entries of the model that the command names. Raises `ModelNotFound`."""
    from npu_adapt.workflows.models.registry import entries_of

    return entries_of(request, held)


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
        return Confirm.ask(
            Text("\n".join(map(printable, question.splitlines()))), console=stderr_console(), default=False
        )
    except EOFError as error:
        raise UsageError("nobody answered whether to remove it", hint="give --yes to remove without asking") from error


@takes(
    {
        "model": options.NAMED_MODEL,
        "revision": options.REVISION,
        "source": options.SOURCE,
        "weights_roots": options.WEIGHTS_ROOTS,
        "cache_dir": options.CACHE_DIR,
        **options.OUTPUT,
        "allow_pickle": options.ALLOW_PICKLE,
    }
)
def path(request: ModelRequest, output: options.Output) -> None:
    """Print the folder of a model that is on this disk, for scripts.

    Example: ls "$(npu-adapt models path google/vit-base-patch16-224)"
    """
    from npu_adapt.cli.console import progress_for
    from npu_adapt.cli.run import print_json
    from npu_adapt.workflows.models.registry import path_of

    found = path_of(request, progress_for(quiet=output.quiet, language=output.language))
    if output.json:
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
