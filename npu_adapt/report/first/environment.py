"""The first screen of `env`: the versions at once, then which devices are usable, and each finding with its fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from npu_adapt.records import DeviceInfo, Environment, Problem
from npu_adapt.report.document import Code, Inline, Paragraph, Tone
from npu_adapt.report.examination import change_words, device_name, told
from npu_adapt.report.figures import Figures
from npu_adapt.report.first import lines
from npu_adapt.report.first.lines import line
from npu_adapt.report.first.screen import LIMIT, FirstScreen, Line, listed

SOFTWARE = ("python", "torch", "torch_npu", "transformers")
STACK = ("driver", "firmware", "cann")
SHOWN_DEVICES = 8
SHOWN_CHANGES = 4
AT_ONCE = 5  # lines that the first part takes at 80 columns
SEVERITIES = ("error", "warning", "note")
TONES: dict[str, Tone] = {"error": "bad", "warning": "caution"}


def first_at_once(figures: Figures) -> FirstScreen:
    """Versions and the machine, without waiting for anything: at most five lines, so that the verdict is the sixth."""
    environment = figures.summary.environment
    assert environment is not None
    return FirstScreen(
        head=None,
        lines=(software(figures, environment), *stack(figures, environment), machine(figures, environment)),
        limit=AT_ONCE,
    )


def first_answers(figures: Figures, shown: Figures, logs: Path | None) -> FirstScreen:
    """The rest, after `first_at_once(shown)`."""
    environment = figures.summary.environment
    assert environment is not None
    known = [*stack(shown, environment_of(shown))]
    late = [] if known == [*stack(figures, environment)] else [*stack(figures, environment)]
    problems = worst_first(environment)
    return FirstScreen(
        head=head(figures, environment),
        lines=(*late, *devices(figures, environment), *findings(figures, problems), *changes(figures)),
        end=tuple(lines.end(figures, logs, explained=[each.id for each in problems])),
        limit=LIMIT - AT_ONCE,
    )


def all_findings(figures: Figures) -> Iterator[Line]:
    """Every finding of the environment, the worst first."""
    if figures.summary.environment is not None:
        yield from findings(figures, worst_first(figures.summary.environment))


def worst_first(environment: Environment) -> list[Problem]:
    return sorted(environment.problems, key=lambda each: SEVERITIES.index(each.severity))


def environment_of(figures: Figures) -> Environment:
    environment = figures.summary.environment
    assert environment is not None
    return environment


def head(figures: Figures, environment: Environment) -> Paragraph:
    """Which accelerators can be used, and the ids of all that does not fit."""
    usable = [Code(device_name(each)) for each in environment.devices if each.usable]
    found = [Code(each.id) for each in worst_first(environment) if each.severity != "note"]
    parts: list[Inline] = [*usable] or [figures.say("first-cpu-only")]
    key = "first-environment-ok" if usable else "first-environment-none"
    return Paragraph((figures.say(key), *listed(*parts, *found)), "good" if usable and not found else "caution")


def software(figures: Figures, environment: Environment) -> Line:
    """The versions that decide whether the rest fits."""
    versions: list[Inline | tuple[Inline, ...]] = []
    for name in SOFTWARE:
        version = getattr(environment, name)
        missing = (Code(name), " ", figures.say("first-not-installed"))
        versions.append(missing if version is None else Code(f"{name} {version}"))
    return line(figures, "software", *listed(*versions))


def stack(figures: Figures, environment: Environment) -> Iterator[Line]:
    """Driver, firmware and CANN, as far as they are known; nothing where none is."""
    known = [name for name in STACK if getattr(environment, name) is not None]
    if not known:
        return
    parts = [(figures.say(f"item-{name}"), " ", Code(getattr(environment, name))) for name in known]
    yield line(figures, "stack", *listed(*parts))


def machine(figures: Figures, environment: Environment) -> Line:
    cores = figures.say("first-cores", number=figures("environment.cpu_cores"))
    memory = figures.say("first-hosts-memory", value=figures("environment.memory_bytes"))
    processor = Code(environment.cpu) if environment.cpu else figures.reason("environment.cpu")
    return line(figures, "machine", *listed(processor, cores, memory, Code(environment.platform)), rank=1)


def devices(figures: Figures, environment: Environment) -> Iterator[Line]:
    """Each device: its name, its memory, whether it computed."""
    for at, each in enumerate(environment.devices[:SHOWN_DEVICES]):
        yield line(
            figures, "device", *device(figures, at, each), tone="bad" if each.usable is False else "plain", rank=2
        )
    hidden = len(environment.devices) - SHOWN_DEVICES
    if hidden > 0:
        yield line(figures, "device", figures.say("first-and-more", number=str(hidden)), rank=2)


def device(figures: Figures, at: int, each: DeviceInfo) -> tuple[Inline, ...]:
    path = f"environment.devices.{at}"
    usable = None if each.usable is None else figures.say("first-usable" if each.usable else "first-unusable")
    memory = None
    if each.memory_bytes is not None and each.free_memory_bytes is not None:
        sizes = {"free": figures(f"{path}.free_memory_bytes"), "memory": figures(f"{path}.memory_bytes")}
        memory = figures.say("first-free", **sizes)
    return listed(Code(f"{device_name(each)} {each.name}"), usable, memory, each.health)


def findings(figures: Figures, problems: Sequence[Problem]) -> Iterator[Line]:
    """Each thing that does not fit, by its id, and what to do."""
    for each in problems:
        said = told(figures, each)
        tone = TONES.get(each.severity, "plain")
        rank = 1 if each.severity in TONES else 4
        yield line(figures, each.severity, Code(each.id), ": ", said["found"], tone=tone, rank=rank)
        if "fix" in said:
            yield line(figures, "fix", said["fix"], rank=rank)


def changes(figures: Figures) -> Iterator[Line]:
    """What differs from the record that `--diff` named."""
    record = figures.summary.changes
    if record is None:
        return
    since = figures.say("first-since", created=record.created_at, since=record.since)
    if not record.changes:
        yield line(figures, "changed", *listed(figures.say("first-nothing-changed"), since))
        return
    yield line(figures, "changed", since, tone="caution")
    for each in record.changes[:SHOWN_CHANGES]:
        yield line(figures, "changed", change_words(figures, each), tone="caution", rank=1)
    hidden = len(record.changes) - SHOWN_CHANGES
    if hidden > 0:
        yield line(figures, "changed", figures.say("first-and-more", number=str(hidden)), tone="caution", rank=1)
