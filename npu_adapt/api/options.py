"""What the functions of the API take beyond a model and its inputs: the fields of the workflows' own requests.

A test holds each against the fields that it names; what they mean is written there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, get_type_hints

import msgspec

from npu_adapt.errors import Sentence, UsageError

if TYPE_CHECKING:
    import torch

    from npu_adapt.models.request import Source
    from npu_adapt.workflows.bench.options import Mode
    from npu_adapt.workflows.compare.options import HeldTo, RuleName
    from npu_adapt.workflows.run.request import Attention, Dtype


class RunOptions(TypedDict, total=False):
    """Fields of `RunRequest`."""

    dtype: Dtype | torch.dtype
    attention: Attention
    weights: Path | str | None
    task: str | None
    revision: str | None
    source: Source
    offline: bool
    weights_roots: tuple[Path, ...]
    cache_dir: Path | None
    seed: int
    samples: int
    hf32: bool | None
    allow_pickle: bool
    trust_remote_code: bool


class JudgeOptions(TypedDict, total=False):
    """Fields of `CompareOptions`."""

    rule: RuleName
    rtol: float | None
    atol: float | None
    arithmetic: HeldTo
    fast: bool
    save_outputs: Path | None
    baseline: Path | None
    repro: Path | None
    soak: float | None
    generate: int | None
    original: str | None
    accumulate: bool
    mode: Mode | tuple[Mode, ...]


class CompareCall(RunOptions, JudgeOptions, total=False):
    """What `compare` takes."""

    max_memory: str | None


class BenchCall(TypedDict, total=False):
    """Fields of `BenchOptions`, and those of `RunRequest` that a benchmark does not vary."""

    iterations: int | None
    warmup: int | None
    precision: float | None
    max_seconds: float | None
    batch_sizes: tuple[int, ...]
    threads: tuple[int, ...]
    dtypes: tuple[Dtype, ...]
    attentions: tuple[Attention, ...]
    modes: tuple[Mode, ...]
    against: str | None
    with_limits: bool
    weights: Path | str | None
    task: str | None
    revision: str | None
    source: Source
    offline: bool
    weights_roots: tuple[Path, ...]
    cache_dir: Path | None
    seed: int
    hf32: bool | None
    allow_pickle: bool
    trust_remote_code: bool


class FetchOptions(TypedDict, total=False):
    """Fields of `ModelRequest`."""

    revision: str | None
    source: Source
    offline: bool
    weights_roots: tuple[Path, ...]
    cache_dir: Path | None
    allow_pickle: bool
    include: tuple[str, ...]
    exclude: tuple[str, ...]


def require_known(function: str, options: Mapping[str, Any], *requests: type) -> None:
    """Raises `TypeError` for an option that is a field of none of the requests, as Python does of any call."""
    known = {field.name for request in requests for field in fields(request)}
    for name in options:
        if name not in known:
            near = "".join(f". Did you mean {each!r}?" for each in get_close_matches(name, known, n=1))
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{near}")


def fields_of(request: type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that are fields of `request`. Raises `UsageError` for a value that its type excludes."""
    kinds = get_type_hints(request, include_extras=True)
    return {name: _checked(name, options[name], kinds[name]) for name in kinds if name in options}


def _checked(name: str, value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(by_name(value), kind, dec_hook=_path)
    except (msgspec.ValidationError, TypeError) as error:
        raise UsageError(
            Sentence("{name}={value!r}: {error}", name=name, value=value, error=error),
            hint="the types of the options say what each takes",
        ) from error


def by_name(value: Any) -> Any:
    """torch's devices and types as the commands name them: "npu:0", "float16"; anything else as it is."""
    is_torch = type(value).__module__ == "torch" and type(value).__name__ in ("device", "dtype")
    return str(value).removeprefix("torch.") if is_torch else value


def _path(kind: type, value: Any) -> Any:
    return Path(value) if kind is Path else value
