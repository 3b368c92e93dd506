"""The models of a sweep as they are listed: on the command line, one a line in a file, or in YAML with options."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from npu_adapt.errors import Sentence, UsageError, first_line
from npu_adapt.files import FileTooLarge, read_regular

if TYPE_CHECKING:
    import yaml

LARGEST_LIST = 64 << 20  # bytes
LARGEST_YAML = 4 << 20  # bytes: its parser takes a second for some hundred thousand
MOST_VALUES = 200_000  # with what aliases repeat; longer lists have one model a line
DEEPEST = 30  # levels: options have three
LONGEST_SHOWN = 60  # characters of a value that is refused
YAML_SUFFIXES = (".yaml", ".yml")
STDIN = Path("-")
MODEL, MODELS, DEFAULTS = "model", "models", "defaults"
_FORM = "a list of models, or a mapping with models and defaults: npu-adapt explain sweep"


@dataclass(frozen=True)
class Given:
    """A value, and where it stands."""

    value: Any  # text, number, truth value, None, or a list or mapping of Given
    origin: str  # "models.yaml:7"

    @property
    def shown(self) -> str:
        """The value as a message shows it."""
        text = repr(bare(self))
        return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"

    def refuse(self, why: str, hint: str) -> NoReturn:
        raise UsageError(Sentence("{origin}: {why}", origin=self.origin, why=why), hint=hint)


def bare(value: Any) -> Any:
    """A value without the places of its parts."""
    if isinstance(value, Given):
        return bare(value.value)
    if isinstance(value, list):
        return [bare(each) for each in value]
    return {name: bare(each) for name, each in value.items()} if isinstance(value, dict) else value


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
        return Given(text, origin) if node is None else _Nodes(lambda node: origin).given(node)
    except (yaml.YAMLError, RecursionError):
        return Given(text, origin)


def _read(file: Path) -> ModelList:
    try:
        is_yaml = file.suffix.lower() in YAML_SUFFIXES
        data = _of_stdin() if file == STDIN else read_regular(file, LARGEST_YAML if is_yaml else LARGEST_LIST)
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
    if is_yaml:
        return _from_yaml(text, str(file))
    lines = ((number, line.split("#", 1)[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return ModelList(tuple(ListedModel(line, f"{file}:{number}") for number, line in lines if line))


def _of_stdin() -> bytes:
    data = sys.stdin.buffer.read(LARGEST_LIST + 1)
    if len(data) > LARGEST_LIST:
        raise FileTooLarge(errno.EFBIG, f"larger than {LARGEST_LIST} bytes", str(STDIN))
    return data


def _from_yaml(text: str, name: str) -> ModelList:
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        nodes = _Nodes(lambda node: f"{name}:{node.start_mark.line + 1}")
        given = Given(None, f"{name}:1") if root is None else nodes.given(root)
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
        model.refuse(f"{model.shown} is no model", _FORM)
    return ListedModel(model.value, given.origin, options)


class _Nodes:
    """The content of nodes, with the place of each part. An alias is what it stands for, each time anew."""

    def __init__(self, origin: Callable[[yaml.Node], str]) -> None:
        import yaml

        self._origin = origin
        self._read = 0
        self._loader = yaml.SafeLoader("")

    def given(self, node: yaml.Node, depth: int = 0) -> Given:
        """Raises `UsageError` for what is too deep or too much, itself among its parts, or no value of its kind."""
        import yaml

        origin = self._origin(node)
        self._read += 1
        if depth > DEEPEST or self._read > MOST_VALUES:
            Given(None, origin).refuse("more nesting or more values than a list of models has", _FORM)
        if isinstance(node, yaml.SequenceNode):
            return Given([self.given(each, depth + 1) for each in node.value], origin)
        if isinstance(node, yaml.MappingNode):
            return Given(dict(self._pairs(node, depth + 1)), origin)
        return Given(_scalar(self._loader, node, origin), origin)

    def _pairs(self, node: yaml.MappingNode, depth: int) -> Iterator[tuple[str, Given]]:
        seen: set[str] = set()
        for key_node, value_node in node.value:
            key, value = self.given(key_node, depth), self.given(value_node, depth)
            if not isinstance(key.value, str):
                key.refuse(f"{key.shown} is no name", _FORM)
            if key.value in seen:
                key.refuse(f"{key.value!r} stands twice", "take one of them out")
            seen.add(key.value)
            yield key.value, Given(value.value, key.origin)


def _scalar(loader: yaml.SafeLoader, node: yaml.Node, origin: str) -> str | float | bool | None:
    """A text, number, truth value or None. What is none of them, such as a date, is the text as it is written."""
    import yaml

    try:
        value = loader.construct_object(node)
    except yaml.MarkedYAMLError:
        raise
    except Exception:  # noqa: BLE001 - the library converts without a check of its own
        kind = str(node.tag).rpartition(":")[2]
        Given(node.value, origin).refuse(f"{Given(node.value, origin).shown} is no {kind}", "mend the YAML")
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(node.value)
