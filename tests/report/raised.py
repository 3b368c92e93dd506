"""The texts that reach a person by an error, a hint or a line of progress, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from npu_adapt.errors import NpuAdaptError

PACKAGE = Path(__file__).parents[2] / "npu_adapt"
# What is given to these is said to a person; classes below an error or a hub's failure are found by their bases.
SPEAKERS = {"Sentence", "say", "task", "Attempt", "Fault", "_Refusal", "Kind", "Stage", "Extension"}
SPEAKERS |= {"users_code", "_running", "require_proven"}
FAILURES = {NpuAdaptError.__name__, "HubFailure", "ContentMismatch"}
NOT_SAID = {"values", "texts", "attempts", "stage", "kind", "operator", "unit"}


def texts() -> Iterator[tuple[str, str]]:
    """Where, and what is said there: the template of a sentence with values, or a text without any."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    speakers = SPEAKERS | _failures(trees.values())
    shared = {name: value for tree in trees.values() for name, value in _named(tree.body).items() if name.isupper()}
    for path, tree in trees.items():
        if path.is_relative_to(PACKAGE / "report") and "plot" not in path.name:
            continue
        known = shared | _named(list(ast.walk(tree)))
        for node in ast.walk(tree):
            for text in (text for each in _said(node, speakers) for text in _strings(each, known, 4)):
                yield f"{path.relative_to(PACKAGE.parent)}:{node.lineno}", text


def _said(node: ast.AST, speakers: set[str]) -> list[ast.expr]:
    """What is said by a call, by any hint that is passed on, and by a function that makes a hint."""
    if isinstance(node, ast.Call) and _called(node) in speakers:
        return [*node.args, *(each.value for each in node.keywords if each.arg not in NOT_SAID)]
    if isinstance(node, ast.Call):
        return [each.value for each in node.keywords if each.arg == "hint"]
    if isinstance(node, ast.FunctionDef) and "hint" in node.name:
        return [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value is not None]
    return []


def _failures(trees: object) -> set[str]:
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for tree in trees  # type: ignore[attr-defined]
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = set(FAILURES)
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def _named(nodes: list[ast.AST]) -> dict[str, list[ast.AST]]:
    """What each name is given, by assignments and loops."""
    found: dict[str, list[ast.AST]] = {}
    for node in nodes:
        pairs = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = [(node.target, node.iter)]
        for target, value in pairs:
            for name in ast.walk(target):
                if isinstance(name, ast.Name):
                    found.setdefault(name.id, []).append(value)
    return found


def _strings(node: ast.AST, known: dict[str, list[ast.AST]], depth: int) -> Iterator[str]:
    """The strings with more than one word in an expression, and in what its names stand for."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if " " in node.value.strip():
            yield node.value
    elif isinstance(node, ast.JoinedStr):
        if any(isinstance(part, ast.Constant) and " " in str(part.value).strip() for part in node.values):
            yield f"an f-string, which cannot be said in Chinese: {ast.unparse(node)}"
    elif isinstance(node, ast.Name) and depth:
        for value in known.get(node.id, ()):
            yield from _strings(value, known, depth - 1)
    elif not isinstance(node, ast.Attribute | ast.Subscript | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _strings(child, known, depth)
