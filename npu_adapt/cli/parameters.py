"""Typer's parameters from the types that a command takes, and the values of those types from what was typed."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import typer
from msgspec import Meta

from npu_adapt.cli.options import Option, Output, Table, command_line, typer_parameter
from npu_adapt.errors import Sentence, UsageError
from npu_adapt.homes import expanded

Command = TypeVar("Command", bound=Callable[..., None])
TABLES: dict[Callable[..., Any], Table] = {}  # of each command


def takes(table: Table) -> Callable[[Command], Command]:
    """Declares a command: its parameters are requests, whose fields are its options, or options themselves.

    The command stays the function that it is; `for_typer` makes of it what Typer reads.
    """

    def declared(command: Command) -> Command:
        TABLES[command] = table
        return command

    return declared


def for_typer(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command as Typer takes it: a parameter for each option, put together to requests before it is called."""
    table = TABLES.get(command)
    if table is None:
        return command
    found = {field.name: field for field in fields_of(command)}
    parameters = [found[name].parameter(option) for name, option in table.items()]
    context = [each for each in _parameters(command).values() if each.annotation is typer.Context]

    def called(**typed: Any) -> Any:
        values = {name: found[name].value(option, typed[name]) for name, option in table.items()}
        given = {each.name: typed[each.name] for each in context}
        return _within_deadline(command, {**given, **arguments(command, values)})

    called.__doc__ = command.__doc__
    called.__name__ = command.__name__
    called.__signature__ = inspect.Signature([*context, *parameters])  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in (*context, *parameters)}
    return called


def _within_deadline(command: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Calls the command; one that has a time limit in a process of its own, whose exit code is then this one's."""
    output = arguments.get("output")
    if not isinstance(output, Output) or output.timeout is None:
        return command(**arguments)
    from npu_adapt.workflows.processes.call import Call
    from npu_adapt.workflows.processes.deadline import run_with_deadline

    call = Call(command.__name__, arguments)
    raise typer.Exit(run_with_deadline(call, output.timeout, arguments["request"].logs))


@dataclass(frozen=True)
class Field:
    """Something that an option may be: a field of a request, or a parameter of the command's own."""

    name: str
    kind: Any  # its declared type
    default: Any  # MISSING: it has none

    @property
    def members(self) -> tuple[Any, bool]:
        """The type without None, and whether it may be None."""
        if get_origin(self.kind) in (Union, UnionType):
            (kind,) = (each for each in get_args(self.kind) if each is not NoneType)
            return kind, True
        return self.kind, False

    @property
    def is_several(self) -> bool:
        return get_origin(self.members[0]) is tuple

    @property
    def element(self) -> tuple[Any, Meta]:
        """The type of one value, and its bounds."""
        kind = self.members[0]
        if self.is_several:
            kind = get_args(kind)[0]
        if get_origin(kind) is Annotated:
            return get_args(kind)[0], get_args(kind)[1]
        return kind, Meta()

    def parameter(self, option: Option) -> inspect.Parameter:
        """What Typer reads of it."""
        kind, _ = self.element
        kind = choice_of(self.name, get_args(kind)) if get_origin(kind) is Literal else kind
        default = self.default
        if option.is_list:
            kind, default = str, ",".join(map(str, default)) or None
        elif self.is_several:
            kind, default = list[kind], None  # type: ignore[valid-type]
        elif option.is_duration:
            kind, default = str, None if default is None else f"{default:g}s"
        elif option.is_share:
            kind, default = str, None if default is None else f"{100 * default:g}%"
        if default is None:
            kind = kind | None
        elif isinstance(kind, type) and issubclass(kind, Enum):
            default = kind(default)
        told = typer_parameter(option, self.name, shows_default=default is not None)
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if default is MISSING else default,
            annotation=Annotated[kind, told],
        )

    def value(self, option: Option, typed: Any) -> Any:
        """The field's value from what Typer gives. Raises `UsageError` for what does not parse or is out of bounds."""
        name = option.spelled(self.name)[0]
        if typed is None:
            return () if self.is_several else None
        if option.is_list:
            return self._listed(name, typed)
        if option.is_share:
            typed = share(name, typed)
        if option.is_duration:
            typed = duration(name, typed)
        if self.is_several:
            return tuple(expanded(each) if isinstance(each, Path) else each for each in typed)
        if isinstance(typed, Path):
            return expanded(typed)
        return require_bounds(name, typed.value if isinstance(typed, Enum) else typed, self.element[1])

    def _listed(self, name: str, text: str) -> tuple[Any, ...]:
        kind, bounds = self.element
        try:
            parts = [part.strip() for part in text.split(",")]
            chosen = [one_of(get_args(kind), part) if get_origin(kind) is Literal else whole(part) for part in parts]
        except ValueError as error:
            raise UsageError(
                Sentence("{name} {text}: {error}", name=name, text=text, error=error.args[0]),
                hint="separate several with commas, without spaces",
            ) from error
        return tuple(dict.fromkeys(require_bounds(name, each, bounds) for each in chosen))


def _parameters(command: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The command's parameters, their types resolved."""
    kinds = get_type_hints(command, include_extras=True)
    return {
        name: parameter.replace(annotation=kinds[name])
        for name, parameter in inspect.signature(command).parameters.items()
    }


def fields_of(command: Callable[..., Any]) -> list[Field]:
    """All that a command's options may be."""
    found = []
    for name, parameter in _parameters(command).items():
        if is_dataclass(parameter.annotation):
            kinds = get_type_hints(parameter.annotation, include_extras=True)
            found += [Field(each.name, kinds[each.name], each.default) for each in fields(parameter.annotation)]
        elif parameter.annotation is not typer.Context:
            default = MISSING if parameter.default is inspect.Parameter.empty else parameter.default
            found.append(Field(name, parameter.annotation, default))
    return found


def arguments(command: Callable[..., Any], values: Mapping[str, Any], line: str | None = None) -> dict[str, Any]:
    """What the command is called with: each request of the values of its fields. `line` None: what was typed."""
    known = {"command": command.__name__, "command_line": command_line() if line is None else line, **values}
    arguments = {}
    for name, parameter in _parameters(command).items():
        make: Callable[..., Any] = parameter.annotation
        if is_dataclass(parameter.annotation):
            of_it = [field.name for field in fields(parameter.annotation) if field.name in known]
            arguments[name] = make(**{field: known[field] for field in of_it})
        elif name in known:
            arguments[name] = known[name]
    return arguments


def choice_of(name: str, values: tuple[str, ...]) -> type[Enum]:
    """The values as Typer takes a choice, in every version that is supported."""
    build: Any = Enum
    choice: type[Enum] = build(name, {value: value for value in values}, type=str)
    return choice


def whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise ValueError(Sentence("{text!r} is not a whole number above zero", text=text))
    return int(text)


def one_of(choices: tuple[str, ...], text: str) -> str:
    if text not in choices:
        raise ValueError(Sentence("{text!r} is none of {choices}", text=text, choices=", ".join(choices)))
    return text


def share(name: str, text: str) -> float:
    """`5%` or `0.05` as 0.05. Raises `UsageError` unless it is above 0 and below 1."""
    number = text.strip()
    try:
        value = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
    except ValueError as error:
        raise UsageError(
            Sentence("{name} {text}: not a number", name=name, text=text),
            hint=Sentence("for example {name} 1%", name=name),
        ) from error
    if not 0 < value < 1:
        raise UsageError(
            Sentence("{name} {text}: must be above 0 and below 100 %", name=name, text=text),
            hint=Sentence("for example {name} 1%", name=name),
        )
    return value


SECONDS_OF = {"s": 1, "m": 60, "h": 3600}


def duration(name: str, text: str) -> float:
    """`90s`, `10m`, `2h` or `90` in seconds. Raises `UsageError` for anything else."""
    number = text.strip()
    unit = SECONDS_OF.get(number[-1:], 1)
    try:
        value = float(number[:-1] if number[-1:] in SECONDS_OF else number) * unit
    except ValueError as error:
        raise UsageError(
            Sentence("{name} {text}: not a time", name=name, text=text),
            hint=Sentence("for example {name} 10m", name=name),
        ) from error
    return value


def require_bounds(name: str, value: Any, bounds: Meta) -> Any:
    """`value`. Raises `UsageError`, with the bound, where it is out of bounds or not a number."""
    wrong = ""
    if isinstance(value, float) and math.isnan(value):
        wrong = "not a number"
    elif bounds.gt is not None and not value > bounds.gt:
        wrong = Sentence("must be above {gt:g}", gt=bounds.gt)
    elif bounds.ge is not None and not value >= bounds.ge:
        wrong = Sentence("must be {ge:g} or more", ge=bounds.ge)
    elif bounds.le is not None and not value <= bounds.le:
        wrong = Sentence("must be at most {le:,}", le=bounds.le)
    if wrong:
        raise UsageError(
            Sentence("{name} {value}: {wrong}", name=name, value=value, wrong=wrong),
            hint=Sentence("give {name} another value; --help says what it means", name=name),
        )
    return value
