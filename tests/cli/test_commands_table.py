"""The table of commands says what the commands say of themselves."""

from __future__ import annotations

import inspect

import pytest
from typer.testing import CliRunner

from npu_adapt.cli.app import app
from npu_adapt.cli.commands import COMMANDS, build

DESIGNED = ["env", "fetch", "infer", "bench", "compare", "report", "sweep", "audit", "explain", "models"]


def test_the_commands_are_those_of_the_contract_in_their_order() -> None:
    assert [*COMMANDS] == DESIGNED
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert sorted(DESIGNED, key=lambda name: shown.index(f"│ {name} ")) == DESIGNED


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_list_is_the_first_line_of_the_help(name: str) -> None:
    assert inspect.cleandoc(build(name).help).splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_its_own_help(name: str) -> None:
    done = CliRunner().invoke(app, [name, "--help"])
    assert done.exit_code == 0
    assert f"Usage: npu-adapt {name}" in done.stdout


def test_a_command_that_is_not_there() -> None:
    done = CliRunner().invoke(app, ["conpare"])
    assert done.exit_code == 2
    assert "No such command 'conpare'. Did you mean 'compare'?" in done.stderr
