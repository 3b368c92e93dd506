"""From a command's parameters to the request that its workflow takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from npu_adapt.cli.options import command_line

if TYPE_CHECKING:
    from npu_adapt.models.local import ModelRequest
    from npu_adapt.workflows.run.session import RunRequest

RENAMED = {"input": "inputs", "weights_root": "weights_roots"}


def run_request(command: str, parameters: Mapping[str, Any]) -> RunRequest:
    """The `RunRequest` of a command called with `parameters` (Typer's `ctx.params`)."""
    from npu_adapt.workflows.run.session import RunRequest

    values = fields_from(parameters, RunRequest)
    return RunRequest(command=command, command_line=command_line(), **{"model": None, **values})


def model_request(parameters: Mapping[str, Any]) -> ModelRequest:
    """The `ModelRequest` of a command that takes a model and runs nothing."""
    from npu_adapt.models.local import ModelRequest

    return ModelRequest(**fields_from(parameters, ModelRequest))


def fields_from(parameters: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """What `parameters` say of the fields of `kind`; what is the command's own is passed over.

    Lists become tuples, enumerations their values, and paths paths: Typer before 0.29 keeps them here as text.
    """
    holds_paths = {field.name: "Path" in str(field.type) for field in dataclasses.fields(kind)}
    values: dict[str, Any] = {}
    for name, value in parameters.items():
        field = RENAMED.get(name, name)
        if field in holds_paths and value is not None:
            convert = Path if holds_paths[field] else _plain
            values[field] = tuple(map(convert, value)) if isinstance(value, list | tuple) else convert(value)
    return values


def _plain(value: Any) -> Any:
    """The value of a member of an enumeration, else `value` itself."""
    return getattr(value, "value", value)
