"""The application: its commands, and the one place that turns errors into exit codes."""

from __future__ import annotations

import errno
import gc
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from npu_adapt import __version__
from npu_adapt.cli import cpu_time
from npu_adapt.cli.commands import Commands
from npu_adapt.cli.streams import STDERR, ending, open_streams
from npu_adapt.errors import (
    DeviceUnavailable,
    ExitCode,
    NpuAdaptError,
    RunFailed,
    Sentence,
    UsageError,
    UserCodeFailed,
    first_line,
)
from npu_adapt.homes import ensure_home

if TYPE_CHECKING:
    from npu_adapt.report.phrases.phrase import Language

PACKAGE = str(Path(__file__).parents[1])
_TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
_NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
AUTOLOAD = "TORCH_DEVICE_BACKEND_AUTOLOAD"


class ErrorsAreExitCodes(Commands):
    """Runs the command and turns every expected failure into its message and its exit code.

    It works in `invoke`, so that a test's `CliRunner` and the shell see the same code. Unknown exceptions keep their
    traceback: they are bugs.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words = [*args]
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            tell_of_what_was_typed(error, words)
            raise

    def invoke(self, ctx: Any) -> Any:
        # Before torch is first imported: a broken torch_npu must be a diagnosis, not a crash of `import torch`.
        ctx.obj = os.environ.get(AUTOLOAD)  # what other programs of this user get, which `env` has a word on
        os.environ.setdefault(AUTOLOAD, "0")
        words = [*getattr(ctx, "_protected_args", ()), *ctx.args]
        try:
            ensure_home()
            return super().invoke(ctx)
        except NpuAdaptError as error:
            show_error(error, language_typed(words), as_json=wants_json(words))
            raise typer.Exit(error.exit_code) from error
        except ImportError as error:
            if (error.name or "").partition(".")[0] == "npu_adapt":
                raise
            show_error(broken_install(error), language_typed(words), as_json=wants_json(words))
            raise typer.Exit(ExitCode.NO_DEVICE) from error
        except OSError as error:
            failure = of_the_system(error)
            if failure is None:
                raise
            show_error(failure, language_typed(words), as_json=wants_json(words))
            raise typer.Exit(failure.exit_code) from error
        except MemoryError as error:
            show_error(out_of_memory(), language_typed(words), as_json=wants_json(words))
            raise typer.Exit(ExitCode.RUN_FAILED) from error
        except Exception as error:
            tell_of_what_was_typed(error, words)
            if not begins_in_a_library(error):
                raise
            show_error(broken_install(error), language_typed(words), as_json=wants_json(words))
            raise typer.Exit(ExitCode.NO_DEVICE) from error
        except KeyboardInterrupt:
            if cpu_time.used_up:
                show_error(out_of_cpu_time(), language_typed(words), as_json=wants_json(words))
                raise typer.Exit(ExitCode.RUN_FAILED) from None
            say_interrupted(language_typed(words))
            raise typer.Exit(ExitCode.INTERRUPTED) from None


def begins_in_a_library(error: Exception) -> bool:
    """Whether it was raised while a library of somebody else's was imported, by a variable that it reads, say."""
    codes = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = max((at for at, code in enumerate(codes) if code.co_filename.startswith(PACKAGE)), default=0)
    return any(code.co_name == "<module>" for code in codes[ours + 1 :])


def broken_install(error: Exception) -> DeviceUnavailable:
    """The failure for a library that is there and cannot be loaded: half an install, or no room for its code."""
    hint = (
        "install it again, in a version that fits the others; a process needs some gigabytes of address space: "
        "ulimit -v"
        if isinstance(error, ImportError)
        else "look at the variables and files that it reads when it is loaded"
    )
    return DeviceUnavailable(Sentence("a library cannot be loaded: {said}", said=first_line(error)), hint=hint)


def of_the_system(error: OSError) -> NpuAdaptError | None:
    """The failure for what a system says of itself, which any line may be the one to hear; None: it may be a bug."""
    if error.errno in _TOO_MANY_FILES:
        hint = "look at the limit of open files: ulimit -n"
        return RunFailed(error.strerror or "", hint=hint, stage="start", kind="other")
    if error.errno in _NOT_WRITABLE:
        return UsageError(
            Sentence("{file}: {reason}", file=error.filename or tempfile.gettempdir(), reason=error.strerror),
            hint="make room there, or name other folders: --logs, --cache-dir, TMPDIR",
        )
    if isinstance(error, FileNotFoundError) and error.filename is None and tempfile.tempdir is None:  # it says so
        return UsageError("no folder takes temporary files", hint="set TMPDIR to a folder in which this user can write")
    return None


def out_of_memory() -> RunFailed:
    """The failure for memory that ran out in our own code, where any line may be the one that asks for too much."""
    hint = "close other programs, or take a machine with more memory"
    return RunFailed("out of memory", hint=hint, stage="start", kind="out-of-memory")


def out_of_cpu_time() -> RunFailed:
    """The failure for a process that has used the CPU time that it may use."""
    hint = "allow more: ulimit -t"
    return RunFailed("the limit of CPU time is reached", hint=hint, stage="start", kind="timeout")


def tell_of_what_was_typed(error: Exception, words: Sequence[str]) -> None:
    """Raises `typer.Exit` where Typer's own words would not do: for `--json`, and in Chinese."""
    from npu_adapt.cli.typed import OPTIONS, in_our_words, is_about_the_line

    language, as_json = language_typed(words), wants_json(words)
    if not is_about_the_line(error) or (language == "en" and not as_json):
        return
    message: Any = error
    told = UsageError(message.format_message(), hint=OPTIONS) if as_json else in_our_words(error, words)
    show_error(told, language, as_json=as_json)
    raise typer.Exit(ExitCode.USAGE) from error


def wants_json(words: Sequence[str]) -> bool:
    """Whether a command line, which need not parse, asks for JSON. A test's runner gives only `words`."""
    return "--json" in (*sys.argv[1:], *words)


def language_typed(words: Sequence[str]) -> Language:
    """The language of a command line that need not parse."""
    from npu_adapt.report.language import language_of

    line = [*sys.argv[1:], *words]
    after = [value for word, value in zip(line, [*line[1:], ""], strict=True) if word == "--lang"]
    joined = [word.partition("=")[2] for word in line if word.startswith("--lang=")]
    return language_of(next((asked for asked in (*after, *joined) if asked), None))


def say_interrupted(language: Language) -> None:
    """That it was ended by Ctrl-C."""
    from npu_adapt.report.language import in_language

    typer.echo(in_language("interrupted", language), err=True)


def show_error(error: NpuAdaptError, language: Language = "en", *, as_json: bool) -> None:
    """What happened and what to do next: on stderr for people, on stdout as `{"error": …}` for `--json`.

    What programs read stays English.
    """
    if as_json:
        from npu_adapt import records

        content: dict[str, object] = {
            "exit_code": int(error.exit_code),
            "message": error.message,
            "hint": error.hint,
            "class": error.kind,
        }
        if isinstance(error, RunFailed):
            content |= {"stage": error.stage, "operator": error.operator}
        if isinstance(error, UserCodeFailed):
            content["traceback"] = error.traceback
        typer.echo(records.as_json({"error": content}).decode(), nl=False)
        return
    from rich.cells import cell_len
    from rich.text import Text

    from npu_adapt.cli.console import stderr_console
    from npu_adapt.report.document import printable
    from npu_adapt.report.language import in_language

    console = stderr_console()
    if isinstance(error, UserCodeFailed):
        for line in error.traceback.splitlines():
            console.print(Text(printable(line), "dim"), soft_wrap=True)
    for lead, style, said in (("error: ", "bold red", error.sentence), ("next:  ", "bold", error.advice)):
        text = Text.assemble((in_language(lead, language), style), printable(in_language(said, language)))
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
    open_streams()
    cpu_time.watch_cpu_time()
    try:
        app()
    except SystemExit as ended:
        sys.exit(ending(ended.code))
    except MemoryError:  # while it was being said what had happened
        os.write(STDERR, b"error: out of memory\n")
        os._exit(ExitCode.RUN_FAILED)
    finally:
        # An ending interpreter looks for it as well, and more than once: a second, after torch and transformers.
        gc.freeze()
