"""The application: its commands, and the one place that turns errors into exit codes."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated, Any

import typer

from npu_adapt import __version__
from npu_adapt.cli.commands import Commands
from npu_adapt.errors import ExitCode, NpuAdaptError, RunFailed, UsageError

AUTOLOAD = "TORCH_DEVICE_BACKEND_AUTOLOAD"


class ErrorsAreExitCodes(Commands):
    """Runs the command and turns every expected failure into its message and its exit code.

    It works in `invoke`, so that a test's `CliRunner` and the shell see the same code. Unknown exceptions keep their
    traceback: they are bugs.
    """

    def invoke(self, ctx: Any) -> Any:
        # Before torch is first imported: a broken torch_npu must be a diagnosis, not a crash of `import torch`.
        ctx.obj = os.environ.get(AUTOLOAD)  # what other programs of this user get, which `env` has a word on
        os.environ.setdefault(AUTOLOAD, "0")
        wants_json = "--json" in sys.argv[1:] or "--json" in ctx.args or "--json" in getattr(ctx, "_protected_args", ())
        try:
            return super().invoke(ctx)
        except NpuAdaptError as error:
            show_error(error, as_json=wants_json)
            raise typer.Exit(error.exit_code) from error
        except Exception as error:
            # Typer vendors its parser's exceptions; they are known by how they present themselves.
            message = getattr(error, "format_message", None)
            if wants_json and message is not None:
                show_error(UsageError(message(), hint="npu-adapt COMMAND --help lists the options"), as_json=True)
                raise typer.Exit(ExitCode.USAGE) from error
            raise
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(ExitCode.INTERRUPTED) from None


def show_error(error: NpuAdaptError, *, as_json: bool) -> None:
    """What happened and what to do next: on stderr for people, on stdout as `{"error": …}` for `--json`."""
    if as_json:
        import msgspec

        content: dict[str, object] = {"exit_code": int(error.exit_code), "message": error.message, "hint": error.hint}
        content["class"] = error.kind
        if isinstance(error, RunFailed):
            content |= {"stage": error.stage, "operator": error.operator}
        typer.echo(msgspec.json.format(msgspec.json.encode({"error": content}), indent=2).decode())
        return
    from rich.cells import cell_len
    from rich.text import Text

    from npu_adapt.cli.console import stderr_console
    from npu_adapt.report.document import printable

    console = stderr_console()
    for lead, style, said in (("error: ", "bold red", error.message), ("next:  ", "bold", error.hint)):
        text = Text.assemble((lead, style), printable(said))
        too_long = any(cell_len(word) > console.width for word in text.plain.split())  # a path, to be copied whole
        console.print(text, soft_wrap=too_long)


app = typer.Typer(
    name="npu-adapt",
    cls=ErrorsAreExitCodes,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"npu-adapt {__version__}")
        raise typer.Exit


@app.callback()
def npu_adapt(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Prove that a model loads its real weights, runs on an accelerator, computes the right numbers, and how fast.

    Exit codes: 0 passed, 1 a bug, 2 usage, 3 the verdict is "fail", 4 no usable device, 5 the model, 6 the run failed,
    130 interrupted.
    """


def main() -> None:
    """The console script."""
    # Loading libraries makes many objects and drops few: to look for garbage among them would be a tenth of it.
    gc.set_threshold(1_000_000)
    try:
        app()
    finally:
        # An ending interpreter looks for it as well, and more than once: a second, after torch and transformers.
        gc.freeze()
