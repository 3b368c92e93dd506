"""What the record of an adapter says without running it: its functions, and how its weights lie in their files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from npu_adapt.records import AdapterFile, WeightsInfo

FOLDER = "adapter"  # of a bundle: the file, and the modules beside it
WHOLE = "module."  # stands in front of a name only; what wraps a part stands anywhere in it
PICKLES = (".pth", ".pt", ".ckpt", ".bin")


@dataclass(frozen=True)
class Functions:
    """What the functions of an adapter's model are called. None: it has none of that kind."""

    model: str
    inputs: str | None
    outputs: str | None


@dataclass(frozen=True)
class Stored:
    """How the weights lie in their files."""

    pickled: bool
    nest: str | None  # the key of what a trainer saved; None: the model's state is all there is
    prefixes: tuple[str, ...]  # of its names: what the model was wrapped in


def place_of(file: AdapterFile) -> str:
    """Where the adapter lies in a bundle."""
    return f"{FOLDER}/{PurePath(file.path).name}"


def functions_of(file: AdapterFile) -> Functions:
    """The functions for the model that ran; inputs and outputs may be shared by all of a file's models."""
    bound = set(_bound(_parsed(file.text).body))
    own = {kind: kind if file.name is None else f"{kind}_{file.name}" for kind in ("model", "inputs", "outputs")}
    found = {kind: next((each for each in (name, kind) if each in bound), None) for kind, name in own.items()}
    return Functions(own["model"], found["inputs"], found["outputs"])


def stored_as(weights: WeightsInfo) -> Stored:
    """How the proof found the weights in their files."""
    said = {fact.id: fact.values for fact in weights.conversions}
    prefixes = said.get("unwrapped", {}).get("prefixes", ())
    nest = said.get("nested", {}).get("key")
    return Stored(
        pickled=any(file.name.endswith(PICKLES) for file in weights.files),
        nest=nest if isinstance(nest, str) else None,
        prefixes=tuple(map(str, prefixes)) if isinstance(prefixes, (list, tuple)) else (),
    )


def pattern(prefixes: Sequence[str]) -> str:
    """A regular expression, as Python reads it, for all of the prefixes in a name."""
    parts = [re.escape(each) for each in prefixes if each != WHOLE]
    found = [rf"^{re.escape(WHOLE)}"] if WHOLE in prefixes else []
    found += [rf"(?:^|(?<=\.))(?:{'|'.join(parts)})"] if parts else []
    return f'r"{"|".join(found)}"'


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):  # of an edited record: it never ran
        return ast.Module([], [])


def _bound(body: Sequence[ast.stmt]) -> Iterator[str]:
    """The names that statements bind, those within conditions too, and none within functions."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (each.asname or each.name for each in node.names)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
        else:
            for name in ("body", "orelse", "finalbody"):
                yield from _bound(getattr(node, name, ()))
            for handler in getattr(node, "handlers", ()):
                yield from _bound(handler.body)
