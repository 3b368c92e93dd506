"""What a command line needs of an option beyond its name, type and default, for each option that commands share.

The name, type, bounds and default of an option are those of the field that holds its value: of the request or the
options that a workflow takes, or of a command's own parameter. A table here and in the commands adds the rest, by the
field's name; `parameters.py` makes Typer's parameters of both. A field without a row is no option.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from msgspec import Meta

from npu_adapt.report.language import language_of
from npu_adapt.report.phrases.phrase import Language

Seconds: TypeAlias = Annotated[float, Meta(ge=0.1, le=2_592_000)]  # up to thirty days


@dataclass(frozen=True)
class Option:
    """One row: how an option is spelled and explained."""

    help: str
    spelling: tuple[str, ...] = ()  # where it is not the field's name: "--input" of `inputs`, "--hf32/--no-hf32"
    metavar: str | None = None
    variable: str | None = None  # the environment variable that sets it
    is_argument: bool = False
    is_list: bool = False  # several values in one, separated by commas; else an option of several is repeated
    is_share: bool = False  # 5% or 0.05
    is_duration: bool = False  # 90s, 10m, 2h, or seconds

    def spelled(self, field: str) -> tuple[str, ...]:
        """What it is called on the command line."""
        return self.spelling or (f"--{field.replace('_', '-')}",)


Table: TypeAlias = Mapping[str, Option]  # by the field's name, in the order of the help


@dataclass(frozen=True)
class Output:
    """What becomes of a command's result, and how long it may take."""

    timeout: Seconds | None = None  # None: as long as it takes
    json: bool = False
    quiet: bool = False
    details: bool = False
    lang: Language | None = None  # None: the variable's, else the locale's

    @property
    def language(self) -> Language:
        """The language of what is printed."""
        return language_of(self.lang)


LOGS_DEFAULT = Path("logs")

MODEL = Option(
    "A hub id (google/vit-base-patch16-224), a directory, builtin:digits-vit, or an adapter FILE.py[:NAME]. "
    "Left out: $NPU_ADAPT_MODEL, else the model of the last summary, else builtin:digits-vit.",
    metavar="[MODEL]",
    is_argument=True,
)
NAMED_MODEL = Option(
    "A hub id (google/vit-base-patch16-224), a directory, or a built-in.", metavar="MODEL", is_argument=True
)
MAYBE_MODEL = Option("A hub id or a directory; left out: all.", metavar="[MODEL]", is_argument=True)
DEVICE = Option("auto, cpu, npu[:N], cuda[:N], or any other torch device.", metavar="NAME")
DTYPE = Option("Element type; auto is the checkpoint's own.")
ATTENTION = Option("Attention implementation.")
INPUTS = Option(
    "A picture, a sound or a text; repeatable. Default: built in.", spelling=("--input",), metavar="PATH_OR_TEXT"
)
WEIGHTS = Option("What an adapter's model(weights) gets.", metavar="FILE_OR_DIR")
TASK = Option("A Hub pipeline tag; default: from the checkpoint's configuration.", metavar="TASK")
HF32 = Option("Pin the device's HF32 (TF32) flags of matmul and convolution.", spelling=("--hf32/--no-hf32",))
REVISION = Option("Branch, tag or commit on the hub.", metavar="REV")
SOURCE = Option("Which hub; auto tries ModelScope, then Hugging Face.")
OFFLINE = Option("Use what is on this disk; download nothing.")
WEIGHTS_ROOTS = Option(
    "A folder of models as ORG/NAME; repeatable.",
    spelling=("--weights-root",),
    metavar="DIR",
    variable="NPU_ADAPT_WEIGHTS_ROOT",
)
CACHE_DIR = Option("The registry's folder; default: ~/.cache/npu-adapt.", metavar="DIR", variable="NPU_ADAPT_CACHE")
LOGS = Option("Where the evidence goes.", metavar="DIR", variable="NPU_ADAPT_LOGS")
SEED = Option("Seed of everything generated.", metavar="N")
LANG = Option("Language of what is printed; default: $NPU_ADAPT_LANG, else the locale.")
DETAILS = Option("Print everything, not only the first screen.")
ALLOW_PICKLE = Option("Also read .bin weights (torch.load with weights_only).")
TRUST_REMOTE_CODE = Option("Run Python code that comes with the checkpoint.")

OUTPUT: Table = {
    "json": Option("Print the record, and nothing else, on stdout."),
    "quiet": Option("No progress, no messages; results and errors only.", spelling=("--quiet", "-q")),
    "details": DETAILS,
    "lang": LANG,
}
RUN_OUTPUT: Table = {
    "timeout": Option("End the run, from a parent process, after this long.", metavar="SECONDS"),
    **OUTPUT,
}
# What `infer`, `bench` and `compare` take alike, behind what each takes of its own.
RUN: Table = {
    "hf32": HF32,
    "revision": REVISION,
    "source": SOURCE,
    "offline": OFFLINE,
    "weights_roots": WEIGHTS_ROOTS,
    "cache_dir": CACHE_DIR,
    "logs": LOGS,
    "seed": SEED,
    **RUN_OUTPUT,
    "allow_pickle": ALLOW_PICKLE,
    "trust_remote_code": TRUST_REMOTE_CODE,
}


def was_given(ctx: typer.Context, parameter: str) -> bool:
    """Whether the user gave the parameter, on the command line or by its variable: not its default."""
    source = ctx.get_parameter_source(parameter)
    return source is not None and source.name != "DEFAULT"


def command_line() -> str:
    """The command as a shell would take it again, for the record."""
    import shlex
    import sys

    return shlex.join(["npu-adapt", *sys.argv[1:]])


def no_colour() -> bool:
    """Whether the user asked for no colour (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def typer_parameter(option: Option, field: str, *, shows_default: bool) -> Any:
    """What Typer is told of the option, but for its type and default."""
    common: dict[str, Any] = {"help": option.help, "metavar": option.metavar, "show_default": shows_default}
    if option.is_argument:
        return typer.Argument(**common)
    return typer.Option(*option.spelled(field), envvar=option.variable, **common)
