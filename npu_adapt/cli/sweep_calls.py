"""The options of a list as calls of the commands: any option that a command has, checked where it stands."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, cast, get_args

import msgspec

from npu_adapt.cli.options import Option, Output
from npu_adapt.cli.parameters import TABLES, Field, arguments, fields_of
from npu_adapt.errors import Sentence, UsageError
from npu_adapt.files import exists
from npu_adapt.models.adapters.name import require_model
from npu_adapt.records import legible
from npu_adapt.workflows.processes.call import Call, plain_call, value_of
from npu_adapt.workflows.sweep.command import ENV
from npu_adapt.workflows.sweep.listing import Given, ListedModel, ModelList, Options, bare
from npu_adapt.workflows.sweep.plan import Job, folders_of
from npu_adapt.workflows.sweep.request import ModelSeconds, Step, SweepRequest

FETCH = "fetch"
COMMANDS = tuple(step for step in get_args(Step) if step != ENV)
# What the sweep itself decides for every command.
DECIDED = frozenset(("model", "device", "logs", "json", "quiet", "details", "timeout", "out", "dry_run"))
OF_THE_MODEL = ("name", "run", "timeout", "environment")  # beside options of commands
EXPLAINED = "npu-adapt explain sweep"


@dataclass(frozen=True)
class Known:
    """An option of a command."""

    option: Option
    field: Field
    words: tuple[str, ...]  # as it is spelled


def jobs_of(listed: ModelList, request: SweepRequest, folder: Path) -> tuple[tuple[Job, ...], tuple[str, ...]]:
    """The job of each model, and the models that the list names twice, which are run once.

    Raises `UsageError`, with the place, for an empty list, for what is no model, and for what is no option.
    """
    if not listed.models:
        raise UsageError("there is no model to run", hint="name models, or a file with one a line: --from FILE")
    jobs: dict[str, tuple[Job, str]] = {}
    twice: list[str] = []
    for model in listed.models:
        job = _job(model, listed.defaults, request, folder)
        before = jobs.get(job.name)
        if before is None:
            jobs[job.name] = job, model.origin
        elif msgspec.structs.replace(before[0], folder="") == job:
            twice.append(job.name)
        else:
            raise UsageError(
                Sentence(
                    "{origin}: {job} is also at {before}, with other options",
                    origin=model.origin,
                    job=job.name,
                    before=before[1],
                ),
                hint=Sentence("give one of them a name of its own: {{model: {model}, name: …}}", model=model.model),
            )
    folders = folders_of(jobs)
    return tuple(msgspec.structs.replace(job, folder=folders[name]) for name, (job, _) in jobs.items()), tuple(twice)


def _job(listed: ListedModel, defaults: Options, request: SweepRequest, folder: Path) -> Job:
    try:
        adapter = require_model(listed.model)
    except UsageError as error:
        place = "" if listed.origin == listed.model else f"{listed.origin}: "
        raise UsageError(Sentence("{place}{cause}", place=place, cause=error.sentence), hint=error.advice) from error
    options = {**defaults, **listed.options}
    for command in COMMANDS:
        if command in defaults and command in listed.options:
            both = {**_mapping(defaults[command]), **_mapping(listed.options[command])}
            options[command] = Given(both, listed.options[command].origin)
    run = _run_of(options.get("run"), request.run)
    if adapter is not None:  # it is on this disk
        run = tuple(command for command in run if command != FETCH)
    timeout = options.get("timeout")
    by_command = _by_command(options)
    path = Path(listed.model)
    model = str(adapter or (path.absolute() if exists(path) else listed.model))
    return Job(
        name=_name_of(options.get("name"), listed.model),
        model=model,
        folder="",
        calls=tuple(_call(command, model, by_command[command]) for command in run),
        options={command: _plain(by_command[command]) for command in run},
        timeout=request.model_timeout if timeout is None else _converted(timeout, ModelSeconds),
        variables=_variables(options.get("environment")),
        cwd=str(folder),
    )


def _name_of(given: Given | None, model: str) -> str:
    if given is None:
        return legible(model)
    if not isinstance(given.value, str) or not given.value:
        given.refuse(f"{given.shown} is no name", EXPLAINED)
    return legible(given.value)


def _run_of(given: Given | None, otherwise: tuple[Step, ...]) -> tuple[str, ...]:
    """The commands, in the order in which they are run."""
    steps = otherwise
    if given is not None:
        value = bare(given.value)
        named = value.split(",") if isinstance(value, str) else value
        steps = _converted(Given(named, given.origin), tuple[Step, ...])
    return tuple(command for command in COMMANDS if command in steps)


def _variables(given: Given | None) -> dict[str, str]:
    if given is None:
        return {}
    return {name: str(each.value) for name, each in _mapping(given).items()}


def _mapping(given: Given) -> dict[str, Given]:
    if not isinstance(given.value, dict):
        given.refuse("no mapping of names to values", EXPLAINED)
    return cast("dict[str, Given]", given.value)


def _by_command(options: Options) -> dict[str, dict[str, Given]]:
    """What each command is given, by option; what stands under its own name counts more."""
    found: dict[str, dict[str, Given]] = {command: {} for command in COMMANDS}
    for name, given in options.items():
        if name in OF_THE_MODEL or name in COMMANDS:
            continue
        of = [command for command in COMMANDS if _spelled(name) in known_options(command)]
        if not of:
            _refuse_unknown(name, given, COMMANDS)
        for command in of:
            found[command][_spelled(name)] = given
    for command in COMMANDS:
        for name, given in _mapping(options[command]).items() if command in options else ():
            if _spelled(name) not in known_options(command):
                _refuse_unknown(name, given, (command,))
            found[command][_spelled(name)] = given
    return found


def _refuse_unknown(name: str, given: Given, commands: tuple[str, ...]) -> NoReturn:
    if _spelled(name).replace("-", "_") in DECIDED:
        given.refuse(f"{name!r} is decided by the sweep", EXPLAINED)
    known = {each for command in commands for each in known_options(command)} | {*OF_THE_MODEL, *COMMANDS}
    alike = get_close_matches(_spelled(name), sorted(known), n=3, cutoff=0.5)
    hint = (
        Sentence("perhaps {names}", names=", ".join(alike))
        if alike
        else Sentence(
            "{explained}; npu-adapt {commands} --help lists its options", explained=EXPLAINED, commands=commands[-1]
        )
    )
    given.refuse(f"{name!r} is no option of {', '.join(commands)}", hint)


def _spelled(name: str) -> str:
    return name.removeprefix("--").replace("_", "-")


def known_options(command: str) -> Mapping[str, Known]:
    """The options of a command that a list may give, by name without dashes."""
    if command not in _KNOWN:
        function = _function(command)
        found = {field.name: field for field in fields_of(function)}
        known = {}
        for name, option in TABLES[function].items():
            if name not in DECIDED and not option.is_argument:
                words = option.spelled(name)[0].split("/")
                known[words[0].removeprefix("--")] = Known(option, found[name], tuple(words))
        _KNOWN[command] = known
    return _KNOWN[command]


_KNOWN: dict[str, Mapping[str, Known]] = {}


def _function(command: str) -> Callable[..., None]:
    function: Callable[..., None] = getattr(import_module(f"npu_adapt.cli.{command}"), command)
    return function


def _call(command: str, model: str, given: Mapping[str, Given]) -> Call:
    known = known_options(command)
    function = _function(command)
    values = {known[name].field.name: _value(known[name], each) for name, each in given.items()}
    takes_model = any(field.name == "model" for field in fields_of(function))
    words = [word for name, each in given.items() for word in _words(known[name], each)]
    line = shlex.join(["npu-adapt", command, *([model] if takes_model else ()), *words])
    made = arguments(function, {"model": model, **values}, line)
    output = made.get("output", Output())
    return plain_call(Call(command, {"logs": "", **made, "output": Output(json=True, lang=output.lang)}))


def _value(known: Known, given: Given) -> Any:
    """The field's value. Raises `UsageError` with the place."""
    value = bare(given.value)
    if known.option.is_list or known.option.is_share:
        typed = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        try:
            return known.field.value(known.option, typed)
        except UsageError as error:
            given.refuse(error.sentence, error.advice)
    if known.field.is_several and not isinstance(value, list):
        value = [value]
    return _converted(Given(value, given.origin), known.field.kind)


def _converted(given: Given, kind: Any) -> Any:
    try:
        return value_of(kind, given.value)
    except msgspec.ValidationError as error:
        given.refuse(f"{given.shown}: {error}", EXPLAINED)


def _plain(given: Mapping[str, Given]) -> dict[str, Any]:
    return {name: bare(each) for name, each in sorted(given.items())}


def _words(known: Known, given: Given) -> Iterator[str]:
    """The option as one types it."""
    value = bare(given.value)
    if isinstance(value, bool):
        if value or len(known.words) > 1:
            yield known.words[0 if value else 1]
    elif value is not None:
        several = value if isinstance(value, list) else [value]
        for each in [",".join(map(str, several))] if known.option.is_list else several:
            yield from (known.words[0], str(each))
