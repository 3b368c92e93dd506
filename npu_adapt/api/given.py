"""From a module or function of the user's, and its inputs, to a subject that the workflows examine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.calling import Code, Inputs
from npu_adapt.models.processors import Processors
from npu_adapt.models.tasks import LoadedModel
from npu_adapt.workflows.run.module import copied, dtype_of, module_info, require_watchable, samples_of
from npu_adapt.workflows.run.subject import Subject

SOURCE = "python"


class Function(torch.nn.Module):
    """A function as a module, so that both are examined alike."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def subject_given(code: Code, inputs: Inputs, *, reference: Code | None = None, dtype: str = "auto") -> Subject:
    """The subject of `code`: examined in eval mode, as a copy. With `reference`, that is what `code` is compared with.

    `dtype` "auto" is the type of its floating parameters, else of its floating inputs, else float32. Raises
    `UsageError` for inputs without a tensor, a type that no device is examined in, and a module that cannot be copied.
    """
    module, other = _module(code), None if reference is None else _module(reference)
    row, samples = samples_of(code, [inputs], [SOURCE])
    chosen = dtype_of(module, [inputs], dtype)
    name = name_of(code)
    loaded = LoadedModel(
        module=copied(module if other is None else other, chosen),
        task=row,
        info=module_info(module, f"{SOURCE}:{name}", SOURCE, architecture=name),
        weights=None,
        dtype=chosen,
        attention="as built",
        processor=Processors(),
        path=Path(),
    )
    return Subject(loaded, samples, candidate=None if other is None else copied(module, chosen))


def name_of(code: Code) -> str:
    """What a module or function is called: its class, or its own name."""
    if isinstance(code, torch.nn.Module):
        return type(code).__name__
    return str(getattr(code, "__name__", type(code).__name__))


def _module(code: Code) -> torch.nn.Module:
    require_watchable(code, name_of(code))
    if isinstance(code, torch.nn.Module):
        return code
    if isinstance(code, type):
        raise UsageError(Sentence("{name} is a class", name=code.__name__), hint="give an instance of it")
    if not callable(code):
        raise UsageError(
            Sentence("{type} is no module and no function", type=type(code).__name__),
            hint="give a torch.nn.Module or a function",
        )
    return Function(code)
