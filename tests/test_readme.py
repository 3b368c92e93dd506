"""Every command that the README shows works, or, where it needs what is not everywhere, exists with those options."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from tests.readme import README, Command, commands, run, shown

HERE = [command for command in shown() if not command.needs]
ELSEWHERE = [command for command in shown() if command.needs]


def test_the_commands_that_run_anywhere_end_well_one_after_the_other(tmp_path: Path) -> None:
    """In one folder and one test: the report is made of what the commands before it wrote."""
    assert HERE
    for command in HERE:
        done = run(command, tmp_path)
        assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.mark.parametrize("command", ELSEWHERE, ids=str)
def test_a_command_that_needs_more_exists_with_its_options(command: Command) -> None:
    if command.arguments[:2] == ("python", "-m"):
        assert importlib.util.find_spec(command.arguments[2]) is not None
        return
    assert command.arguments[0] == "npu-adapt"
    parse(command.arguments[1:])


def parse(arguments: tuple[str, ...]) -> None:
    """Raises what the parser raises for a command or an option that is not there."""
    from typer.main import get_command

    from npu_adapt.cli.app import app

    found: Any = get_command(app)
    rest = [*arguments]
    while hasattr(found, "list_commands"):
        found = found.get_command(None, rest.pop(0))
    found.make_context(found.name, rest)


def test_the_top_of_the_readme_has_the_two_commands() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    top = text[: text.index("\n## ")]
    assert "pip install . && npu-adapt compare --rehearse hf32" in top
    assert "pip install '.[test]' && python -m pytest" in top


def test_the_chinese_readme_shows_the_same_commands() -> None:
    chinese = README.parent / "npu_adapt" / "docs" / "zh" / "README.md"
    assert [*commands(chinese.read_text(encoding="utf-8"))] == [*shown()]


def test_every_page_that_the_readmes_link_to_is_there() -> None:
    for readme in (README, README.parent / "npu_adapt" / "docs" / "zh" / "README.md"):
        links = re.findall(r"\]\(([^)#]+)\)", readme.read_text(encoding="utf-8"))
        assert links and all((readme.parent / link).resolve().is_file() for link in links)


def test_the_reader_of_the_readme_sees_what_it_should() -> None:
    text = "```console\n$ pip install . && a --b 'c d'\nresult\n```\n```bash\n$ no\n```\n```console hub\n$ e # f\n```\n"
    assert [*commands(text)] == [Command(("a", "--b", "c d"), ""), Command(("e",), "hub")]
