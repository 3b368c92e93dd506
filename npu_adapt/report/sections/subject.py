"""What was run and where: the model, its weights, the machine, the commands."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from npu_adapt.records import TEXT, WeightFile
from npu_adapt.report.document import Block, Code, Inline, Verbatim, listing, sentence
from npu_adapt.report.figures import Figures
from npu_adapt.report.phrases import PHRASES
from npu_adapt.report.phrases.facts import finding_words
from npu_adapt.report.sections.blocks import cell, fact, facts, names, table
from npu_adapt.report.sections.quantisation import stored

MODEL_FACTS = (
    ("model", "model.id"),
    ("organization", "model.organization"),
    ("task", "model.task"),
    ("architecture", "model.architecture"),
    ("parameters", "model.parameters"),
    ("source", "model.source"),
    ("revision", "model.revision"),
    ("url", "model.url"),
)
ADAPTER_FACTS = (("adapter", "model.adapter.path"), ("adapter-sha256", "model.adapter.sha256"))  # where one was used
ENDPOINT = ("endpoint", "model.endpoint")  # where a hub was asked for this model; no row where none was
HARDWARE_FACTS = (
    ("device", "run.device"),
    ("driver", "environment.driver"),
    ("firmware", "environment.firmware"),
    ("cpu", "environment.cpu"),
    ("cpu-cores", "environment.cpu_cores"),
    ("host-memory", "environment.memory_bytes"),
)
SOFTWARE = ("python", "torch", "torch_npu", "transformers")
UNVERIFIED = ("nothing", "registry")  # the second is of schema 1: compared with its own first hash
FOUND = (("conversions", "conversions", "conversion"), ("left-out", "left_out", "left-out"))  # item, field, kind
KEYS = (
    ("missing-keys", "missing_keys"),
    ("mismatched-keys", "mismatched_keys"),
    ("unexpected-keys", "unexpected_keys"),
)


def model(figures: Figures) -> tuple[Block, ...]:
    if figures.summary.model is None:
        return (sentence(figures.reason("model")),)
    asked = () if figures.summary.model.endpoint is None else (ENDPOINT,)
    built = () if figures.summary.model.adapter is None else ADAPTER_FACTS
    return (facts(figures, "model", (fact(figures, item, path) for item, path in (*MODEL_FACTS, *asked, *built))),)


def adapter(figures: Figures) -> tuple[Block, ...]:
    """The file that built the model, whole; nothing where none did."""
    file = None if figures.summary.model is None else figures.summary.model.adapter
    if file is None:
        return ()
    return sentence(Code(file.path)), Verbatim(file.text.expandtabs().rstrip(), "python")


def hardware(figures: Figures) -> tuple[Block, ...]:
    """The device and the machine around it. Drivers belong to the hardware here, CANN to the software."""
    blocks: list[Block] = [facts(figures, "hardware", (fact(figures, item, path) for item, path in HARDWARE_FACTS))]
    environment = figures.summary.environment
    if environment is not None and environment.devices:
        rows = [
            tuple(
                cell(figures, f"environment.devices.{position}.{field}")
                for field in ("index", "name", "memory_bytes", "free_memory_bytes", "health")
            )
            for position in range(len(environment.devices))
        ]
        columns = ("index", "name", "memory", "free-memory", "health")
        blocks.append(table(figures, "devices", columns, rows, frozenset({"memory", "free-memory"})))
    return tuple(blocks)


def software(figures: Figures) -> tuple[Block, ...]:
    summary = figures.summary
    environment = summary.environment
    if environment is None:
        return (sentence(figures.reason("environment")),)
    rows: list[tuple[Inline, Inline]] = [(name, cell(figures, f"environment.{name}")) for name in SOFTWARE]
    rows.append(fact(figures, "cann", "environment.cann"))
    rows += sorted(environment.packages.items())
    rows.append(fact(figures, "platform", "environment.platform"))
    rows.append(fact(figures, "tool", "tool.version"))
    rows.append(fact(figures, "created", "created_at"))
    blocks: list[Block] = [facts(figures, "software", rows)]
    if environment.variables:
        variables = [(Code(name), Code(value)) for name, value in sorted(environment.variables.items())]
        blocks.append(facts(figures, "variables", variables))
    return (*blocks, *problems(figures))


def problems(figures: Figures) -> tuple[Block, ...]:
    """What does not fit in the environment; nothing where all fits."""
    environment = figures.summary.environment
    if environment is None or not environment.problems:
        return ()
    rows = []
    for each in environment.problems:
        said = finding_words(each, figures.language)
        rows.append(
            (figures.say(f"label-{each.severity}"), *(said.get(part, "") for part in ("found", "wanted", "fix")))
        )
    return (table(figures, "problems", ("severity", "found", "wanted", "fix"), rows),)


def commands(figures: Figures) -> tuple[Block, ...]:
    """How to install these versions, and the command lines that wrote the record, letter for letter."""
    summary = figures.summary
    environment = summary.environment
    pins = []
    for package in ("torch", "torch_npu", "transformers"):
        version = None if environment is None else getattr(environment, package)
        if version is not None:
            pins.append(f"{package}=={version.partition('+')[0]}")
    install = [f"# {figures.say('install-comment')}: npu-adapt {summary.tool.version}"]
    if summary.tool.source is not None:
        install[0] += f", {summary.tool.source}"
    if pins:
        install.append(f"pip install {shlex.join(pins)}")
    install.append("pip install .")
    lines = tuple(dict.fromkeys([*summary.commands.values(), summary.command]))
    ran = [line for line in lines if line]
    run = Verbatim("\n".join(ran), "bash") if ran else sentence(figures.say("no-commands"))
    return Verbatim("\n".join(install), "bash"), run


def weights(figures: Figures) -> tuple[Block, ...]:
    """Whether the weights are the pretrained ones, and every reason to doubt it."""
    record = figures.summary.weights
    if record is None:
        return (sentence(figures.reason("weights")),)
    rows: list[tuple[Inline, Inline]] = [
        fact(figures, "pretrained-used", "weights.pretrained_used"),
        fact(figures, "local-weight-used", "weights.local_weight_used"),
        fact(figures, "weight-path", "weights.path"),
        fact(figures, "proven-parameters", "weights.proven_parameters"),
    ]
    rows += [(figures.say(f"item-{item}"), names(figures, getattr(record, field))) for item, field in KEYS]
    rows += [
        (figures.say(f"item-{item}"), names(figures, [figures.tell(kind, found) for found in getattr(record, field)]))
        for item, field, kind in FOUND
    ]
    if record.quantisation is not None:
        rows.append((figures.say("label-quantised"), names(figures, stored(figures, record.quantisation))))
    blocks: list[Block] = [facts(figures, "weights", rows)]
    if record.files:
        file_rows = [
            (
                Code(file.name),
                cell(figures, f"weights.files.{position}.bytes"),
                verified(figures, file),
                Code(file.sha256),
            )
            for position, file in enumerate(record.files)
        ]
        columns = ("file", "size", "verified", "sha256")
        blocks.append(table(figures, "weight-files", columns, file_rows, frozenset({"size"})))
    doubts = weight_doubts(figures)
    told_doubts = [told(figures, each) for each in doubts]
    return (*blocks, listing(told_doubts, "caution")) if doubts else tuple(blocks)


def verified(figures: Figures, file: WeightFile) -> str:
    """What the file's bytes were compared with, in words where there are words for it."""
    phrase = f"verified-{file.verified_against}"
    return figures.say(phrase) if phrase in PHRASES else file.verified_against


@dataclass(frozen=True)
class Reservation:
    """Something that a reader must know beside the verdict, and the id that explains it; None: it needs none."""

    text: str
    id: str | None = None


def weight_doubts(figures: Figures) -> tuple[Reservation, ...]:
    """What keeps a reader from trusting the weights: not proven, doubted, or compared with no published checksum."""
    record = figures.summary.weights
    if record is None:
        return ()
    doubts = [] if record.pretrained_used else [Reservation(figures.say("not-pretrained"), "pretrained-used")]
    doubts += [
        Reservation(figures.tell("doubt", found), None if found.id == TEXT else found.id) for found in record.doubts
    ]
    unverified = [file.name for file in record.files if file.verified_against in UNVERIFIED]
    if unverified:
        doubts.append(Reservation(figures.say("unverified", files=names(figures, unverified)), "unverified"))
    mirrored = [file.name for file in record.files if file.verified_against == "mirror"]
    if mirrored:
        model = figures.summary.model
        endpoint = model.endpoint if model and model.endpoint else figures.say("verified-mirror")
        text = figures.say("mirror-only", files=names(figures, mirrored), endpoint=endpoint)
        doubts.append(Reservation(text, "mirror"))
    return tuple(doubts)


def told(figures: Figures, reservation: Reservation) -> str:
    """A reservation in a list: its id, then its words."""
    if reservation.id is None:
        return reservation.text
    return figures.say("with-reason", item=reservation.id, reason=reservation.text)
