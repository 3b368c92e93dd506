"""The boundary to other people's code: the stage in which an exception is raised decides what it means.

Transformers, tokenizers, Pillow, safetensors and a model's own code raise whatever they like, a Rust panic (which is no
`Exception`) among it. So no list of types or words is kept: what leaves a stage is a failure of that stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from npu_adapt.errors import ModelError, NpuAdaptError, RunFailed, Sentence, UsageError, first_line, text_of
from npu_adapt.files import is_utf8


@dataclass(frozen=True)
class Stage:
    """A part of the work that is other people's: what failed when it fails, and what to do then."""

    failed: str  # with a place for the file or input it is about
    hint: str
    error: Callable[[str, str], NpuAdaptError]  # from message and hint


def _model(message: str, hint: str) -> NpuAdaptError:
    return ModelError(message, hint=hint)


def _usage(message: str, hint: str) -> NpuAdaptError:
    return UsageError(message, hint=hint)


def _run(stage: str) -> Callable[[str, str], NpuAdaptError]:
    return lambda message, hint: RunFailed(message, hint=hint, stage=stage, kind="other")


STAGES: dict[str, Stage] = {
    "configuration": Stage(
        "{file} is not a configuration that this transformers can build a model from",
        "fetch the model again, or install the transformers version that it was made for",
        _model,
    ),
    "tokenizer": Stage(
        "the tokenizer of {file} cannot be loaded",
        "it comes from tokenizer.json, or tokenizer_config.json with its vocabulary; fetch the model again with all "
        "its files, or install the transformers and tokenizers versions that it was made for",
        _model,
    ),
    "processor": Stage(
        "the processor of {file} cannot be loaded",
        "it comes from preprocessor_config.json; fetch the model again with all its files, or install the transformers "
        "version that it was made for",
        _model,
    ),
    "weights": Stage(
        "the model in {file} cannot be built with its weights",
        "its files do not fit together, or not this transformers; fetch the model again",
        _model,
    ),
    "template": Stage(
        "the chat template of {file} cannot write a prompt",
        "fetch the model again, or leave --generate out",
        _model,
    ),
    "saved outputs": Stage(
        "{file} cannot be read as saved outputs",
        "make the folder again: npu-adapt compare MODEL --save-outputs DIR",
        _usage,
    ),
    "input": Stage("the input {file} cannot be prepared for this model", "give another --input", _usage),
    "default input": Stage(
        "the model in {file} cannot take its default input",
        "its processor and its configuration may not fit together; give an --input of your own",
        _model,
    ),
    "predictions": Stage(
        "the outputs of {file} cannot be read as predictions",
        "the model's outputs do not fit its configuration or its tokenizer",
        _run("predictions"),
    ),
}


TEMPLATE_SECONDS = 20.0  # that a chat template may take; it takes thousandths
PACKAGE = "install the package that it names, in a version that fits this torch"
NOT_UTF8 = "the folder's name is not UTF-8 text, and libraries cannot open it: rename it, or set LC_ALL=C.UTF-8"
TIMM = "timm's models need timm and a torchvision that fits this torch: pip install 'npu-adapt[timm]'"


@contextmanager
def foreign_code(stage: str, file: Path | str, *, hint: str | None = None) -> Iterator[None]:
    """Within the context other people's code runs: whatever it raises becomes the failure of `stage`.

    `file` is what it was about, `hint` what to do where the stage's own hint is too general. Errors of ours and Ctrl-C
    pass; what was raised stays as `__cause__`. Raises `ModelError` (exit 5), `UsageError` (exit 2) for an input, and
    `RunFailed` (exit 6) for predictions and for memory that ran out. Forwards have a boundary of their own, in
    `workflows.run.foreign`, which asks the device first.
    """
    try:
        yield
    except (NpuAdaptError, KeyboardInterrupt):
        raise
    except BaseException as error:
        kind = STAGES[stage]
        said = first_line(error)
        if is_out_of_memory(error):
            raise RunFailed(
                Sentence("out of memory while loading: {said}", said=said),
                hint="close other programs, take a machine with more memory, or --dtype bfloat16",
                stage=stage if stage == "predictions" else "load",
                kind="out-of-memory",
            ) from error
        if isinstance(error, UnicodeEncodeError) and not is_utf8(file):
            hint = NOT_UTF8
        if isinstance(error, ImportError) and hint is None:
            hint = TIMM if "timm" in text_of(error) else PACKAGE
        raise kind.error(
            Sentence("{failed}: {said}", failed=Sentence(kind.failed, file=file), said=said), hint or kind.hint
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the host's memory ran out; torch's allocator raises a plain `RuntimeError` for that."""
    words = ("can't allocate memory", "Cannot allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(word in text_of(error) for word in words)


def is_installed(file: Path) -> bool:
    """Whether an installer put the file there, of any environment: it is a package's, not the user's own."""
    return not {"site-packages", "dist-packages"}.isdisjoint(file.parts)
