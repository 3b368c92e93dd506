"""The packages that an adapter imports, with their versions: what a reader has to install."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version


def packages_of(texts: Iterable[str]) -> dict[str, str]:
    """Distribution -> version, of all that the texts import and that is installed as a package."""
    names = {name for text in texts for name in imported_names(text)} - sys.stdlib_module_names
    if not names:
        return {}
    known = packages_distributions() if names - {"torch", "numpy"} else {each: [each] for each in names}
    found = {distribution for name in names for distribution in known.get(name, ())}
    return {each: number for each in sorted(found) if (number := _version(each)) is not None}


def imported_names(text: str) -> Iterator[str]:
    """The first names of the modules that a text imports, anywhere in it; none of what is no Python."""
    try:
        nodes = [*ast.walk(ast.parse(text))]
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0] for each in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
