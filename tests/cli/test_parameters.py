"""One declaration of an option: its type and default from the request, its spelling and help from a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from msgspec import Meta
from typer.testing import CliRunner, Result

from npu_adapt.cli.commands import COMMANDS, build
from npu_adapt.cli.models import FUNCTIONS
from npu_adapt.cli.options import Option, Output
from npu_adapt.cli.parameters import TABLES, fields_of, for_typer, takes
from npu_adapt.errors import UsageError
from tests.cli.conftest import Invoke

for _name in COMMANDS:
    build(_name)  # which fills the tables
CALLS: list[dict[str, Any]] = []


@dataclass(frozen=True)
class Request:
    command: str
    command_line: str
    model: str | None = None
    sizes: tuple[Annotated[int, Meta(ge=1, le=1024)], ...] = (1, 2)
    kinds: tuple[Literal["a", "b"], ...] = ("a",)
    kind: Literal["noise-floor", "field"] = "noise-floor"
    folders: tuple[Path, ...] = ()
    share: Annotated[float, Meta(gt=0, lt=1)] | None = 0.05
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    seconds: Annotated[float, Meta(gt=0, le=1000)] | None = None
    flag: bool | None = None
    hidden: int = 7  # has no row


@takes(
    {
        "model": Option("A model.", metavar="[MODEL]", is_argument=True),
        "sizes": Option("Sizes.", spelling=("--size",), is_list=True),
        "kinds": Option("Kinds.", is_list=True),
        "kind": Option("Kind."),
        "folders": Option("Folders.", spelling=("--folder",), variable="TRIED_FOLDERS"),
        "share": Option("Share.", is_share=True),
        "seed": Option("Seed."),
        "seconds": Option("Seconds."),
        "flag": Option("Flag.", spelling=("--flag/--no-flag",)),
        "out": Option("Out.", metavar="FILE"),
        "json": Option("JSON."),
    }
)
def tried(ctx: typer.Context, request: Request, output: Output, out: Path | None = None) -> None:
    """Tries."""
    CALLS.append({"request": request, "output": output, "out": out, "context": ctx.command.name})


def run(*arguments: str) -> Result:
    application = typer.Typer()
    application.command()(for_typer(tried))
    return CliRunner().invoke(application, [*arguments])


def request_of(*arguments: str) -> Request:
    CALLS.clear()
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    request: Request = CALLS[0]["request"]
    return request


def test_what_is_not_given_is_the_default_of_the_field() -> None:
    asked = request_of()
    assert asked == Request("tried", asked.command_line)
    assert CALLS[0] == {"request": asked, "output": Output(), "out": None, "context": "tried"}


def test_every_kind_of_value_has_the_type_of_its_field() -> None:
    asked = request_of(
        *("org/name", "--size", "4,8,4", "--kinds", "b,a", "--kind", "field", "--folder", "x", "--folder", "y z"),
        *("--share", "2.5%", "--seed", str(2**63 - 1), "--seconds", "2", "--no-flag", "--out", "o.png", "--json"),
    )
    assert asked == Request(
        "tried",
        asked.command_line,
        model="org/name",
        sizes=(4, 8),
        kinds=("b", "a"),
        kind="field",
        folders=(Path("x"), Path("y z")),
        share=0.025,
        seed=2**63 - 1,
        seconds=2.0,
        flag=False,
    )
    assert type(asked.kind) is str
    assert (CALLS[0]["output"], CALLS[0]["out"]) == (Output(json=True), Path("o.png"))


def test_a_variable_sets_an_option_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIED_FOLDERS", "a:b")
    assert request_of().folders == (Path("a"), Path("b"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--size", "1,0"), "--size 1,0: '0' is not a whole number above zero"),
        (("--size", "1000000000"), "--size 1000000000: must be at most 1,024"),
        (("--size", "\u0661"), "is not a whole number above zero"),  # a digit, though not one of ASCII
        (("--kinds", "a,c"), "--kinds a,c: 'c' is none of a, b"),
        (("--share", "0"), "--share 0: must be above 0 and below 100 %"),
        (("--share", "nan"), "--share nan: must be above 0 and below 100 %"),
        (("--share", "x"), "--share x: not a number"),
        (("--seed", str(2**70)), f"--seed {2**70}: must be at most 9,223,372,036,854,775,807"),
        (("--seed", "-1"), "--seed -1: must be 0 or more"),
        (("--seconds", "0"), "--seconds 0.0: must be above 0"),
        (("--seconds", "nan"), "--seconds nan: not a number"),
        (("--seconds", "inf"), "--seconds inf: must be at most 1,000"),
        (("--seconds", "1e300"), "must be at most 1,000"),
    ],
)
def test_values_that_mean_nothing_are_usage_errors_with_their_bound(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, UsageError)
    assert said in done.exception.message and done.exception.hint


def test_what_no_field_holds_is_no_option() -> None:
    assert run("--hidden", "3").exit_code == 2


def test_an_application_has_all_its_commands_from_tables() -> None:
    assert {*FUNCTIONS.values()} <= TABLES.keys()
    assert {*COMMANDS} - {function.__name__ for function in TABLES} == {"models"}


@pytest.mark.parametrize("command", TABLES, ids=lambda command: command.__name__)
def test_every_row_of_a_table_is_a_field_and_every_field_is_declared_once(command: Any) -> None:
    names = [field.name for field in fields_of(command)]
    assert TABLES[command].keys() <= {*names}
    shared = {name for name in names if names.count(name) > 1}
    assert shared & TABLES[command].keys() == set(), "one row would set two fields"


# --- the application's own ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "bound"),
    [
        (("bench", "--threads", "1000000000"), "1,024"),
        (("bench", "--iters", "99999999999999999999"), "1,000,000,000"),
        (("bench", "--warmup", "99999999999999999999"), "1,000,000,000"),
        (("bench", "--batch-size", "99999999999999999999"), "1,000,000,000"),
        (("bench", "--max-seconds", "1e18"), "2,592,000"),
        (("bench", "--max-seconds", "inf"), "2,592,000"),
        (("bench", "--processes", "1000000"), "1,000"),
        (("compare", "--samples", "1000000000"), "10,000"),
        (("compare", "--samples", "0"), "1 or more"),
        (("compare", "--rtol", "-1"), "0 or more"),
        (("compare", "--seed", str(2**70)), "9,223,372,036,854,775,807"),
        (("infer", "--seed", str(-(2**70))), "0 or more"),
        (("infer", "--timeout", "1e300"), "2,592,000"),
        (("infer", "--timeout", "nan"), "not a number"),
        (("env", "--timeout", "0"), "0.1 or more"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_absurd_values_end_at_once_with_their_bound(
    invoke: Invoke, tmp_path: Path, arguments: tuple[str, ...], bound: str
) -> None:
    done = invoke(*arguments, "--logs", tmp_path / "logs")
    assert done.exit_code == 2
    assert bound in " ".join(done.stderr.split()) and "Traceback" not in done.output
    assert not (tmp_path / "logs").exists()
