"""The models of a sweep as they are listed: on the command line, one a line in a file, or in YAML with options."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from npu_adapt.errors import Sentence, UsageError, first_line
from npu_adapt.files import read_regular

if TYPE_CHECKING:
    import yaml

LARGEST_LIST = 64 << 20  # bytes
YAML_SUFFIXES = (".yaml", ".yml")
STDIN = Path("-")
MODEL, MODELS, DEFAULTS = "model", "models", "defaults"
_FORM = "a list of models, or a mapping with models and defaults: npu-adapt explain sweep"


@dataclass(frozen=True)
class Given:
    """A value, and where it stands."""

    value: Any  # text, number, truth value, None, or a list or mapping of Given
    origin: str  # "models.yaml:7"

    def refuse(self, why: str, hint: str) -> NoReturn:
        raise UsageError(Sentence("{origin}: {why}", origin=self.origin, why=why), hint=hint)


Options = Mapping[str, Given]  # by name; under the name of a command those for it alone


@dataclass(frozen=True)
class ListedModel:
    """A model of a list, and what is given for it alone."""

    model: str
    origin: str
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class ModelList:
    """Models in their order, and what is given for all of them."""

    models: tuple[ListedModel, ...]
    defaults: Options = field(default_factory=dict)


def read_list(models: tuple[str, ...], file: Path | None) -> ModelList:
    """The models that were typed, and those in `file`. Raises `UsageError`, with the line, for what is no list."""
    typed = tuple(ListedModel(model, model) for model in models)
    read = ModelList(()) if file is None else _read(file)
    return ModelList((*typed, *read.models), read.defaults)


def options_from(texts: tuple[str, ...]) -> Options:
    """The options of "NAME=VALUE" and "COMMAND.NAME=VALUE". Raises `UsageError`."""
    found: dict[str, Given] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        command, dot, option = name.partition(".")
        if not equals or not name or (dot and not (command and option)):
            raise UsageError(
                Sentence("--set {text}: no NAME=VALUE", text=text), hint="--set dtype=float16 or --set bench.iters=100"
            )
        given = _value_of(value, f"--set {text}")
        if dot:
            before = found.get(command, Given({}, ""))
            found[command] = Given({**before.value, option: given}, given.origin)
        else:
            found[name] = given
    return found


def _value_of(text: str, origin: str) -> Given:
    """What YAML reads in `text`: a number, a truth value, a list, else the text itself."""
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        node = None
    given = Given(text, origin) if node is None else _given(node, "")
    return _at(origin, given)


def _at(origin: str, given: Given) -> Given:
    value = given.value
    if isinstance(value, list):
        value = [_at(origin, each) for each in value]
    elif isinstance(value, dict):
        value = {name: _at(origin, each) for name, each in value.items()}
    return Given(value, origin)


def _read(file: Path) -> ModelList:
    try:
        data = sys.stdin.buffer.read() if file == STDIN else read_regular(file, LARGEST_LIST)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(
            Sentence("{file} cannot be read: {reason}", file=file, reason=error.strerror),
            hint="name a file with one model a line",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            Sentence("{file} is not UTF-8: {reason}", file=file, reason=error.reason), hint="save it as UTF-8"
        ) from error
    if file.suffix.lower() in YAML_SUFFIXES:
        return _from_yaml(text, str(file))
    lines = ((number, line.split("#", 1)[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return ModelList(tuple(ListedModel(line, f"{file}:{number}") for number, line in lines if line))


def _from_yaml(text: str, name: str) -> ModelList:
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        given = Given(None, f"{name}:1") if root is None else _given(root, name)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise UsageError(
            Sentence("{name}:{line}: {problem}", name=name, line=line, problem=error.problem or first_line(error)),
            hint="mend the YAML",
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(
            Sentence("{name} is no YAML: {said}", name=name, said=first_line(error)), hint="mend the YAML"
        ) from error
    if isinstance(given.value, list):
        return ModelList(tuple(map(_listed, given.value)))
    if given.value is None:
        return ModelList(())
    if not isinstance(given.value, dict):
        given.refuse("no list of models", _FORM)
    content: dict[str, Given] = given.value
    for key, value in content.items():
        if key not in (MODELS, DEFAULTS):
            value.refuse(f"{key!r} is neither {MODELS} nor {DEFAULTS}", _FORM)
    models = content.get(MODELS, Given([], name))
    defaults = content.get(DEFAULTS, Given({}, name))
    if not isinstance(models.value, list):
        models.refuse(f"{MODELS} is no list", _FORM)
    if not isinstance(defaults.value, dict):
        defaults.refuse(f"{DEFAULTS} is no mapping of options", _FORM)
    return ModelList(tuple(map(_listed, models.value)), defaults.value)


def _listed(given: Given) -> ListedModel:
    if isinstance(given.value, str):
        return ListedModel(given.value, given.origin)
    if not isinstance(given.value, dict) or MODEL not in given.value:
        given.refuse("no model: neither an id nor a mapping with model", _FORM)
    options = {**given.value}
    model = options.pop(MODEL)
    if not isinstance(model.value, str) or not model.value:
        model.refuse(f"{model.value!r} is no model", _FORM)
    return ListedModel(model.value, given.origin, options)


def _given(node: yaml.Node, name: str) -> Given:
    """The node's content with the line of each part."""
    import yaml

    origin = f"{name}:{node.start_mark.line + 1}"
    if isinstance(node, yaml.SequenceNode):
        return Given([_given(each, name) for each in node.value], origin)
    if isinstance(node, yaml.MappingNode):
        return Given(dict(_pairs(node, name)), origin)
    value = yaml.SafeLoader("").construct_object(node)
    if not isinstance(value, (str, int, float, bool)) and value is not None:
        value = str(node.value)  # a date is no option's value; as it is written it may be
    return Given(value, origin)


def _pairs(node: yaml.MappingNode, name: str) -> Iterator[tuple[str, Given]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        key, value = _given(key_node, name), _given(value_node, name)
        if not isinstance(key.value, str):
            key.refuse(f"{key.value!r} is no name", _FORM)
        if key.value in seen:
            key.refuse(f"{key.value!r} stands twice", "take one of them out")
        seen.add(key.value)
        yield key.value, Given(value.value, key.origin)
