"""The house keeps its order: who may import whom, who decides by backend, what start-up loads, how long modules are."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "npu_adapt"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the top down. A room imports from its own row and from rows below it.
LAYERS = (
    {"__main__"},
    {"cli"},
    {"api"},
    {"workflows"},
    {"consistency", "claims"},
    {"report"},
    {"models"},
    {"devices"},
    {"numerics"},
    {"timing"},
    {"evidence"},
    {"progress"},
    {"records"},
    {"homes", "threads"},
    {"errors", "files", "rounding"},
    {"__init__"},
)
DEPTH = {room: depth for depth, rooms in enumerate(LAYERS) for room in rooms}
HEAVY = {"torch", "torch_npu", "transformers", "timm"}
WITHOUT_HEAVY = {
    "claims",
    "consistency",
    "report",
    "evidence",
    "records",
    "errors",
    "files",
    "homes",
    "progress",
    "rounding",
    "threads",
    "__init__",
    "__main__",
}
TOP_LEVEL = {"npu_adapt", "tests", "logs", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE"}
LONGEST_MODULE = 400  # lines

BACKEND_NAME = re.compile(r"(npu|cuda)(:.*)?")


def room_of(path: Path) -> str:
    """The part of the package that a module belongs to: its folder below npu_adapt, or its own name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of every module imported in `tree`, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; names of the package are written in full"
            module = node.module or ""
            # `from npu_adapt import records` names a room, `from npu_adapt.records import Summary` is in one.
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def upward_imports(path: Path, source: str) -> list[str]:
    """What the module imports from a room above its own."""
    own = DEPTH[room_of(path)]
    found = []
    for line, name in imported(ast.parse(source)):
        package, _, rest = name.partition(".")
        room = rest.partition(".")[0]
        if (room_of(path), room) == ("__init__", "api"):  # names for type checkers; loaded when they are asked for
            continue
        if package == "npu_adapt" and DEPTH.get(room, DEPTH["__init__"]) < own:
            found.append(f"{path.name}:{line} imports {name}")
    return found


def strings(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value


def conditions(tree: ast.AST) -> Iterator[ast.expr | ast.pattern]:
    """Every expression that decides something."""
    for node in ast.walk(tree):
        match node:
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) | ast.Assert(test=test):
                yield test
            case ast.comprehension(ifs=ifs):
                yield from ifs
            case ast.match_case(pattern=pattern):
                yield pattern
            case ast.Compare():
                yield node
            case ast.Call(func=ast.Attribute(attr="startswith" | "endswith")):
                yield node
            case _:
                pass


def backend_conditions(source: str) -> list[int]:
    """Lines that decide by the name of a backend, or reach for torch's module of one."""
    tree = ast.parse(source)
    named = {
        condition.lineno
        for condition in conditions(tree)
        if any(BACKEND_NAME.fullmatch(text) for text in strings(condition))
    }
    reached = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and BACKEND_NAME.fullmatch(node.attr) and isinstance(node.value, ast.Name)
    }
    return sorted(named | reached)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downward_only(path):
    assert upward_imports(path, path.read_text(encoding="utf-8")) == []


def test_every_room_has_its_place_in_the_table():
    assert {room_of(path) for path in MODULES} - DEPTH.keys() == set()


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("numerics/metrics.py", "from npu_adapt.devices.device import Device", 1),
        ("numerics/metrics.py", "def f():\n    from npu_adapt import cli", 1),
        ("numerics/metrics.py", "import npu_adapt.workflows.compare.command", 1),
        ("numerics/metrics.py", "from npu_adapt.numerics import rules\nfrom npu_adapt.errors import UsageError", 0),
        ("report/tables.py", "from npu_adapt import __version__", 0),
    ],
)
def test_the_import_test_sees_what_it_should(module, source, found):
    assert len(upward_imports(PACKAGE / module, source)) == found


@pytest.mark.parametrize(
    "path", [path for path in MODULES if room_of(path) != "devices"], ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_only_devices_decides_by_backend(path):
    assert backend_conditions(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('if device == "npu":\n    pass', [1]),
        ('kind = 1 if name.startswith("cuda") else 2', [1]),
        ('same = device.type == "npu:0"', [1]),
        ('match device:\n    case "npu":\n        pass', [2]),
        ("torch.cuda.synchronize()", [1]),
        ('LABELS = {"npu": "Ascend NPU"}', []),
        ('if name == "npu-adapt":\n    pass', []),
    ],
)
def test_the_backend_test_sees_what_it_should(source, lines):
    assert backend_conditions(source) == lines


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if room_of(path) in WITHOUT_HEAVY],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_records_and_reports_know_no_torch(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [name for _, name in imported(tree) if name.partition(".")[0] in HEAVY] == []


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `code`."""
    code = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_start_up_loads_neither_torch_nor_transformers():
    loaded = loaded_by("import npu_adapt.cli.app")
    assert "npu_adapt" in loaded
    assert loaded & (HEAVY | {"huggingface_hub", "modelscope_hub", "numpy", "PIL"}) == set()


def test_what_reads_evidence_loads_no_torch():
    rooms = ("records", "consistency", "evidence", "claims", "report")
    paths = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] in rooms and path.name != "__init__.py"]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths]
    assert loaded_by(f"import {', '.join(names)}") & HEAVY == set()


def test_help_of_every_command_is_as_light():
    from npu_adapt.cli.commands import COMMANDS

    for name in COMMANDS:
        shown = loaded_by(f"from npu_adapt.cli.app import app\napp(['{name}', '--help'], standalone_mode=False)")
        assert shown & HEAVY == set(), f"npu-adapt {name} --help"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_the_top_level_holds_what_the_design_names():
    made = {"build", "dist"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".") and path.suffix != ".egg-info"}
    assert found - made == TOP_LEVEL
