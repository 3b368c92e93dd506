"""An adapter as it is used: read once, hashed, and run from the very bytes that were hashed."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from npu_adapt.errors import Sentence, UsageError, few, first_line
from npu_adapt.files import read_regular
from npu_adapt.models.adapters.code import users_code
from npu_adapt.models.adapters.name import AdapterName
from npu_adapt.models.adapters.packages import packages_of
from npu_adapt.models.adapters.weights import Weights, misfit
from npu_adapt.models.strangers import is_installed
from npu_adapt.records import AdapterFile

LONGEST = 1 << 18  # bytes: the report prints it whole
BUILDS = "model"
ON_CPU = "model(weights) builds the module on the CPU; npu-adapt moves it to --device"
WITHOUT_WEIGHTS = "without --weights FILE_OR_DIR, model(weights) gets None"
VALUES = "values are the texts behind --input, in a list; an empty one without"
TENSORS = "give a safetensors file of tensors by the names of the forward's arguments, or write inputs(values)"
_BROUGHT: dict[str, ModuleType] = {}  # modules that lie beside the adapters of this process, by name


@dataclass(frozen=True)
class Adapter:
    """The functions of an adapter, and its file as the record keeps it."""

    about: AdapterName
    file: AdapterFile
    functions: Mapping[str, Callable[..., Any]]  # "model", and "inputs" and "outputs" where there are any

    def build(self, weights: Weights | None) -> torch.nn.Module:
        """What `model(weights)` returns, in eval mode. Raises `UserCodeFailed`, `UsageError`, and `NotPretrained`."""
        with self._running("{file} fails in model(weights)", ON_CPU if weights is not None else WITHOUT_WEIGHTS):
            try:
                module = self.functions[BUILDS](weights)
            except RuntimeError as error:
                fault = misfit(error, weights)
                if fault is None:
                    raise
                raise fault from error
        if not isinstance(module, torch.nn.Module):
            raise UsageError(
                Sentence(
                    "{file}: model(weights) returns {type}, not a torch.nn.Module",
                    file=self.about.id,
                    type=type(module).__name__,
                ),
                hint="return the module itself, built and with its weights loaded",
            )
        with self._running("{file} fails in model(weights)", "return a module that can be run without gradients"):
            return module.eval().requires_grad_(False)

    def inputs(self, values: Sequence[str], seed: int) -> Any:
        """The arguments of one forward: a tensor, a tuple of arguments, or a dictionary of named ones.

        Random numbers are drawn from `seed`. Raises `UserCodeFailed`, and `UsageError` where there are no inputs.
        """
        prepare = self.functions.get("inputs")
        if prepare is None:
            return self._read(values)
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        with self._running("{file} fails in inputs(values)", VALUES):
            return prepare(list(values))

    def outputs(self, result: Any) -> Any:
        """What is compared of a forward's result: what `outputs(result)` picks, else all of it."""
        pick = self.functions.get("outputs")
        return result if pick is None else pick(result)

    def _read(self, values: Sequence[str]) -> Any:
        """Tensors by name from files, for an adapter that prepares nothing."""
        if not values:
            raise UsageError(
                Sentence("{file} has no inputs(values), and there is no --input", file=self.about.id), hint=TENSORS
            )
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        named: dict[str, Any] = {}
        for value in values:
            try:
                named |= load_file(value)
            except (OSError, SafetensorError) as error:
                raise UsageError(
                    Sentence("--input {value} is no safetensors file: {error}", value=value, error=first_line(error)),
                    hint=TENSORS,
                ) from error
        return named

    @contextmanager
    def _running(self, failed: str, hint: str) -> Iterator[None]:
        with _beside(self.about.file), users_code(self.about.file, failed, hint):
            yield


def read_adapter(about: AdapterName) -> Adapter:
    """Reads the file, and runs it once. Raises `UsageError`, and `UserCodeFailed` for what its code raises."""
    try:
        data = read_regular(about.file, LONGEST)
    except OSError as error:
        raise UsageError(
            Sentence("the adapter {file} cannot be read: {reason}", file=about.file, reason=error.strerror),
            hint="an adapter is short; keep the model's own code in modules that it imports",
        ) from error
    module = _run(about.file, data)
    functions = {name: found for name in (BUILDS, "inputs", "outputs") if (found := _function(module, name, about))}
    if BUILDS not in functions:
        raise _without_model(module, about)
    text = data.decode()
    file = AdapterFile(
        path=str(about.file),
        name=about.name,
        sha256=sha256(data).hexdigest(),
        text=text,
        packages=packages_of([text, *_texts_beside()]),
    )
    return Adapter(about, file, functions)


def _run(file: Path, data: bytes) -> ModuleType:
    _forget_brought()  # another adapter's net.py is another module, and this one's may have been edited
    module = ModuleType(f"npu_adapt_adapter_{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    with _beside(file), users_code(file, "{file} cannot be imported", "this is the file's own error, in its own words"):
        data.decode()
        exec(compile(data, str(file), "exec", dont_inherit=True), module.__dict__)
    return module


@contextmanager
def _beside(file: Path) -> Iterator[None]:
    """Modules beside the file can be imported, as when Python runs it."""
    folder, before = str(file.parent), {*sys.modules}
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)
        for name in {*sys.modules} - before:
            origin = Path(getattr(sys.modules[name], "__file__", None) or "/")
            if origin.is_relative_to(folder) and not is_installed(origin):
                _BROUGHT[name] = sys.modules[name]


def _texts_beside() -> Iterator[str]:
    """The texts of the modules that the adapter has imported from beside it."""
    for module in _BROUGHT.values():
        file = Path(getattr(module, "__file__", None) or "")
        if file.suffix == ".py":
            with suppress(OSError, UnicodeDecodeError):
                yield read_regular(file, LONGEST).decode()


def _forget_brought() -> None:
    """Lets what earlier adapters imported from beside them be imported anew."""
    for name, module in _BROUGHT.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]
    _BROUGHT.clear()


def _function(module: ModuleType, name: str, about: AdapterName) -> Callable[..., Any] | None:
    """The function for the NAME that is meant; inputs and outputs may be shared by all of a file's models."""
    own = None if about.name is None else getattr(module, f"{name}_{about.name}", None)
    shared = getattr(module, name, None) if about.name is None or name != BUILDS else None
    found = own if own is not None else shared
    return found if callable(found) else None


def _without_model(module: ModuleType, about: AdapterName) -> UsageError:
    lead = f"{BUILDS}_"
    names = [name.removeprefix(lead) for name, each in vars(module).items() if name.startswith(lead) and callable(each)]
    wanted = BUILDS if about.name is None else f"{lead}{about.name}"
    hint = Sentence("write def {function}(weights), which returns the module", function=wanted)
    if names:
        nearest = get_close_matches(about.name or "", names, n=1) or names
        example = f"{about.file.name}:{nearest[0]}"
        hint = Sentence("it has {names}: name one, as {example}", names=few(names), example=example)
    return UsageError(
        Sentence("{file} has no function {function}(weights)", file=about.file.name, function=wanted), hint=hint
    )
