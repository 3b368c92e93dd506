"""Options that mean the same in every command, declared once."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="A hub id (google/vit-base-patch16-224), a directory, or builtin:digits-vit. "
        "Left out: $NPU_ADAPT_MODEL, else the model of the last summary, else builtin:digits-vit.",
        show_default=False,
    ),
]
NamedModel = Annotated[
    str, typer.Argument(metavar="MODEL", help="A hub id (google/vit-base-patch16-224), a directory, or a built-in.")
]
MaybeModel = Annotated[
    str | None, typer.Argument(metavar="[MODEL]", help="A hub id or a directory; left out: all.", show_default=False)
]
Device = Annotated[
    str, typer.Option("--device", metavar="NAME", help="auto, cpu, npu[:N], cuda[:N], or any other torch device.")
]


class Dtype(str, Enum):
    """Element type of weights and activations; `auto` is the checkpoint's own."""

    auto = "auto"
    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"


class Attention(str, Enum):
    """Attention implementation; `auto` leaves it to transformers."""

    auto = "auto"
    eager = "eager"
    sdpa = "sdpa"


class Source(str, Enum):
    """Which hub a model comes from."""

    auto = "auto"
    modelscope = "modelscope"
    huggingface = "huggingface"


class Language(str, Enum):
    """What people read: English or Chinese."""

    en = "en"
    zh = "zh"


Lang = Annotated[
    Language | None,
    typer.Option(
        "--lang", help="Language of what is printed; default: $NPU_ADAPT_LANG, else the locale.", show_default=False
    ),
]
Details = Annotated[bool, typer.Option("--details", help="Print everything, not only the first screen.")]
DtypeOption = Annotated[Dtype, typer.Option("--dtype", help="Element type; auto is the checkpoint's own.")]
AttentionOption = Annotated[Attention, typer.Option("--attention", help="Attention implementation.")]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input", metavar="PATH_OR_TEXT", help="A picture, a sound or a text; repeatable. Default: built in."
    ),
]
Task = Annotated[
    str | None,
    typer.Option("--task", metavar="TASK", help="A Hub pipeline tag; default: from the checkpoint's configuration."),
]
Revision = Annotated[str | None, typer.Option("--revision", metavar="REV", help="Branch, tag or commit on the hub.")]
SourceOption = Annotated[Source, typer.Option("--source", help="Which hub; auto tries ModelScope, then Hugging Face.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use what is on this disk; download nothing.")]
WeightsRoot = Annotated[
    list[Path] | None,
    typer.Option(
        "--weights-root",
        metavar="DIR",
        envvar="NPU_ADAPT_WEIGHTS_ROOT",
        help="A folder of models as ORG/NAME; repeatable.",
        show_default=False,
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        "--cache-dir",
        metavar="DIR",
        envvar="NPU_ADAPT_CACHE",
        help="The registry's folder; default: ~/.cache/npu-adapt.",
        show_default=False,
    ),
]
LogsDir = Annotated[
    Path, typer.Option("--logs", metavar="DIR", envvar="NPU_ADAPT_LOGS", help="Where the evidence goes.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of everything generated.")]
Json = Annotated[bool, typer.Option("--json", help="Print the record, and nothing else, on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages; results and errors only.")]
AllowPickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Also read .bin weights (torch.load with weights_only).")
]
TrustRemoteCode = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run Python code that comes with the checkpoint.")
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", min=0.1, help="End the run, from a parent process, after this long."),
]
Hf32 = Annotated[
    bool | None,
    typer.Option(
        "--hf32/--no-hf32", help="Pin the device's HF32 (TF32) flags of matmul and convolution.", show_default=False
    ),
]

LOGS_DEFAULT = Path("logs")


def value_of(choice: Enum | None) -> str | None:
    """The value of a member of an enumeration; None for an option that was left out."""
    return None if choice is None else str(choice.value)


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
