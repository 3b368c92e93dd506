"""What `env` prints: what could be read at once, then what the answers of npu-smi, torch and its devices add."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from npu_adapt.records import DeviceInfo, Fact, Problem, Summary
from npu_adapt.report.document import Block, Code, Column, Inline, Table, Verbatim, listing, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.phrases import Language
from npu_adapt.report.phrases.facts import finding_words
from npu_adapt.report.sections.blocks import fact, facts, missing_reasons, table
from npu_adapt.report.terminal import Screen

SOFTWARE = (
    ("python", "environment.python"),
    ("torch", "environment.torch"),
    ("torch_npu", "environment.torch_npu"),
    ("transformers", "environment.transformers"),
)
# What files may not tell and running software may: shown at once where it is known, else with the answers.
STACK = (("cann", "environment.cann"), ("driver", "environment.driver"), ("firmware", "environment.firmware"))
MACHINE = (
    ("cpu", "environment.cpu"),
    ("cpu-cores", "environment.cpu_cores"),
    ("host-memory", "environment.memory_bytes"),
    ("platform", "environment.platform"),
)
DEVICE_COLUMNS = {
    "name": "name",
    "memory_bytes": "memory",
    "free_memory_bytes": "free-memory",
    "health": "health",
    "usable": "usable",
}


def render_at_once(summary: Summary, language: Language = "en") -> RenderableType:
    """Versions, the machine and its variables, without waiting for anything."""
    figures = Figures(summary, language)
    environment = summary.environment
    known = [fact(figures, item, path) for item, path in STACK if figures.value(path) is not None]
    packages = sorted(environment.packages.items()) if environment is not None else []
    versions = (fact(figures, item, path) for item, path in SOFTWARE)
    blocks: list[Block] = [
        facts(figures, "software", [*versions, *known, *packages]),
        facts(figures, "machine", (fact(figures, item, path) for item, path in MACHINE)),
    ]
    if environment is not None and environment.variables:
        variables = [(Code(name), Code(value)) for name, value in sorted(environment.variables.items())]
        blocks.append(facts(figures, "variables", variables))
    return Screen(blocks)


def render_answers(summary: Summary, shown: Summary, language: Language = "en") -> RenderableType:
    """The rest of `summary`, after `render_at_once(shown)`: nothing is said twice, and nothing is left unsaid."""
    figures, before = Figures(summary, language), Figures(shown, language)
    late = [fact(figures, item, path) for item, path in STACK if _is_news(figures, before, path)]
    blocks: list[Block] = [facts(figures, "stack", late)] if late else []
    blocks += devices(figures)
    blocks += npu_smi_text(figures)
    blocks += findings(figures)
    blocks += changes(figures)
    blocks.append(conclusion(figures))
    return Group(Text(), Screen(blocks))


def _is_news(figures: Figures, before: Figures, path: str) -> bool:
    return before.value(path) is None or before.value(path) != figures.value(path)


def devices(figures: Figures) -> Iterator[Block]:
    """Every device, what it has free, and whether it computed; nothing where there is none."""
    environment = figures.summary.environment
    if environment is None or not environment.devices:
        return
    paths = [
        [f"environment.devices.{at}.{field}" for field in DEVICE_COLUMNS] for at in range(len(environment.devices))
    ]
    rows = [
        (device_name(device), *(figures.short(path) for path in row))
        for device, row in zip(environment.devices, paths, strict=True)
    ]
    columns = ("device", *DEVICE_COLUMNS.values())
    yield table(figures, "devices", columns, rows, frozenset({"memory", "free-memory"}))
    missing = missing_reasons(figures, DEVICE_COLUMNS, (path for row in paths for path in row))
    if missing is not None:
        yield missing


def npu_smi_text(figures: Figures) -> Iterator[Block]:
    """What npu-smi printed where it was not understood: a person may read more in it."""
    if text := figures.value("environment.npu_smi"):
        yield sentence(figures.say("npu-smi-not-understood"), tone="caution")
        yield Verbatim(text)


def findings(figures: Figures) -> Iterator[Block]:
    """The table of problems, four lines each."""
    environment = figures.summary.environment
    if environment is None or not environment.problems:
        return
    rows: list[tuple[Inline, ...]] = []
    for problem in environment.problems:
        rows += [("", "")] if rows else []
        rows += finding_rows(figures, problem)
    columns = (Column(figures.say("column-item")), Column(figures.say("column-value")))
    yield Table(figures.caption("problems"), columns, tuple(rows))


def finding_rows(figures: Figures, problem: Problem) -> list[tuple[Inline, ...]]:
    """What it is called, what was found, what was wanted, why it matters, and the command."""
    lines = [(figures.say(f"column-{name}"), text) for name, text in told(figures, problem).items()]
    return [(figures.say(f"label-{problem.severity}"), Code(problem.id)), *lines]


def told(figures: Figures, problem: Problem) -> dict[str, str]:
    """The words of a finding: "found", and as far as there are any "wanted", "why" and "fix"."""
    return finding_words(problem, figures.language)


def check_failed(figures: Figures) -> str:
    """Why `--check` ends with exit code 4: with the finding that matters most."""
    environment = figures.summary.environment
    problems = () if environment is None else environment.problems
    if not problems:
        return figures.say("check-failed")
    first = problems[0]  # errors come first
    text = figures.say("check-failed")
    return figures.say("check-because", text=text, id=first.id, found=told(figures, first)["found"])


def changes(figures: Figures) -> Iterator[Block]:
    """What differs from the record that `--diff` named."""
    record = figures.summary.changes
    if record is None:
        return
    if not record.changes:
        yield sentence(figures.say("nothing-changed", since=record.since, created=record.created_at), tone="good")
        return
    yield sentence(figures.say("changed-since", since=record.since, created=record.created_at), tone="caution")
    yield listing(change_words(figures, each) for each in record.changes)


def change_words(figures: Figures, change: Fact) -> str:
    """What changed, in words."""
    return figures.tell("change", change)


def conclusion(figures: Figures) -> Block:
    """Which accelerators can be used."""
    environment = figures.summary.environment
    usable = [] if environment is None else [device_name(device) for device in environment.devices if device.usable]
    if usable:
        return sentence(figures.say("usable", devices=", ".join(usable)), tone="good")
    return sentence(figures.say("none-usable"), tone="caution")


def device_name(device: DeviceInfo) -> str:
    """ "npu:0"."""
    return f"{device.kind}:{device.index}" if device.kind else str(device.index)
