"""From a command's parameters to the request that its workflow takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from npu_adapt.cli.options import command_line
from npu_adapt.workflows.session import RunRequest

RENAMED = {"input": "inputs", "weights_root": "weights_roots"}


def run_request(command: str, parameters: Mapping[str, Any]) -> RunRequest:
    """The `RunRequest` of a command called with `parameters` (Typer's `ctx.params`).

    Parameters that are the command's own are passed over; lists become tuples, enumerations their values.
    """
    fields = {field.name for field in dataclasses.fields(RunRequest)}
    values: dict[str, Any] = {}
    for name, value in parameters.items():
        field = RENAMED.get(name, name)
        if field in fields and value is not None:
            values[field] = tuple(value) if isinstance(value, list) else getattr(value, "value", value)
    return RunRequest(command=command, command_line=command_line(), **{"model": None, **values})
