"""The table of commands, and the group that builds each one when it is asked for.

Typer reads the signature of every command that is registered, and each has some twenty options: built all at once they
would be half of the start-up time of `--help`, and torch's import time is enough to wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

# In the order a newcomer needs them. Each is `npu_adapt.cli.NAME.NAME`; beside it is the first line of its help.
COMMANDS: dict[str, str] = {
    "env": "Examine this machine: versions, devices, and whatever does not fit, with the command that fixes it.",
    "fetch": "Bring a model to this disk, verify every byte, and register it. What is here already is not downloaded.",
    "infer": "Run a model once on one device: predictions, output shapes, timings.",
    "bench": "Measure latency, throughput and memory, and how far they are from the device's own limit.",
    "compare": "Compare a device with the CPU on the same weights and inputs: metrics and a verdict.",
    "report": "Render the report of the last summary: one screen on a terminal, Markdown in a pipe or a file.",
    "sweep": "Run many models over all devices, each in processes of its own: one matrix, failures grouped by cause.",
    "audit": "Say what contradicts itself in a report, a bundle or a logs folder, ours or anybody's.",
    "explain": "Say what a finding, warning, rule, exit code or word means, and what to do about it. Works offline.",
    "models": "The models that are registered on this machine: list them, verify their bytes, find or remove them.",
}


class Commands(TyperGroup):
    """A group whose commands are built when they are run, and only named when they are listed: the application's."""

    table: ClassVar[Mapping[str, str]] = COMMANDS  # name: first line of its help
    _listing = False

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        names: Any = dict.fromkeys(self.table)  # what a mistyped name is likened to
        self.commands = names

    def build(self, name: str) -> Any:
        """The command of that name, with its options: for the application's own, those of its module."""
        return build(name)

    def list_commands(self, ctx: Any) -> list[str]:
        return [*self.table]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.table:
            return None
        return TyperCommand(cmd_name, help=self.table[cmd_name]) if self._listing else self.build(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


def build_single(name: str, function: Callable[..., Any]) -> Any:
    """The command that a function is."""
    from npu_adapt.cli.parameters import for_typer  # what `--help` alone does not need

    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name)(for_typer(function))
    return get_command(single)


def build(name: str) -> Any:
    """The command of that name, with its options."""
    part = getattr(import_module(f"npu_adapt.cli.{name}"), name)
    if not isinstance(part, typer.Typer):
        return build_single(name, part)
    group = get_command(part)
    group.name = name
    return group
