"""The table of commands, and the group that builds each one when it is asked for.

Typer reads the signature of every command that is registered, and each has some twenty options: built all at once they
would be half of the start-up time of `--help`, and torch's import time is enough to wait for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

# In the order a newcomer needs them. Each is `npu_adapt.cli.NAME.NAME`; beside it is the first line of its help.
COMMANDS: dict[str, str] = {
    "env": "Examine this machine: versions, devices, and whatever does not fit, with the command that mends it.",
    "fetch": "Bring a model to this disk, verify every byte, and register it. What is here already is not downloaded.",
    "infer": "Run a model once on one device: predictions, output shapes, timings.",
    "bench": "Measure latency, throughput and memory, and how far they are from the device's own limit.",
    "compare": "Compare a device with the CPU on the same weights and inputs: metrics and a verdict.",
    "report": "Render the adaptation report from the last summary: tables on a terminal, Markdown in a pipe or a file.",
    "models": "The models that are registered on this machine: list them, verify their bytes, find or remove them.",
}


class Commands(TyperGroup):
    """A group whose commands are imported and built when they are run, and only named when they are listed."""

    _listing = False

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        names: Any = dict.fromkeys(COMMANDS)  # what a mistyped name is likened to
        self.commands = names

    def list_commands(self, ctx: Any) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if self._listing else build(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


def build(name: str) -> Any:
    """The command of that name, with its options."""
    part = getattr(import_module(f"npu_adapt.cli.{name}"), name)
    if isinstance(part, typer.Typer):
        group = get_command(part)
        group.name = name
        return group
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name)(part)
    return get_command(single)
