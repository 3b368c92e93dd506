"""The records behind `summary.json`: frozen, plain, and the only source of every number that is shown anywhere.

Tuples, not lists; units in names. `None` means "does not apply", and `Summary.reasons` then holds the why under the
field's dotted path (`"compare.top1_match"`). Nothing here computes: encoding, strict decoding and the JSON Schema.

Schema history
    1  first published form
    2  facts instead of sentences: an id with its values, terms of a rule; `report/phrases` has the words
"""

from __future__ import annotations

from typing import Any

import msgspec

from npu_adapt.errors import Sentence, SummaryUnreadable
from npu_adapt.records.base import TEXT, Fact, Record, Said, Term, Value
from npu_adapt.records.bench import Bench, BenchRow, ConfidenceInterval, Gate, Latency, Roofline, SpeedUp
from npu_adapt.records.compare import (
    ArithmeticFound,
    ArithmeticReading,
    ArithmeticReport,
    Baseline,
    Compare,
    CompareLatency,
    ConvolutionFound,
    Depth,
    ModeCheck,
    ModeDivergence,
    ModeOutcome,
    ModeSuspect,
    OperatorFinding,
    OutputComparison,
    Repeats,
    RuleOutcome,
    SumOrderFound,
    Verdict,
    WorstOutput,
)
from npu_adapt.records.environment import DeviceInfo, Environment, EnvironmentChanges, Problem
from npu_adapt.records.generation import GeneratedText, Generation, Invariance, StepFinding, TokenFlip
from npu_adapt.records.model import AdapterFile, ModelInfo, WeightFile, WeightsInfo
from npu_adapt.records.overlap import Overlap
from npu_adapt.records.quantisation import Dequantised, OutputLoss, Quantisation, QuantisationLoss, QuantisedWeights
from npu_adapt.records.repro import Repro, ReproCase
from npu_adapt.records.run import Failure, InputInfo, OutputInfo, Prediction, Run, Timings
from npu_adapt.records.said import said_of
from npu_adapt.records.soak import Soak, SoakPlace, SoakReading
from npu_adapt.records.upgrade import upgraded

__all__ = [
    "SCHEMA_VERSION",
    "TEXT",
    "AdapterFile",
    "ArithmeticFound",
    "ArithmeticReading",
    "ArithmeticReport",
    "Baseline",
    "Bench",
    "BenchRow",
    "Compare",
    "CompareLatency",
    "ConfidenceInterval",
    "ConvolutionFound",
    "Depth",
    "Dequantised",
    "DeviceInfo",
    "Environment",
    "EnvironmentChanges",
    "Fact",
    "Failure",
    "Gate",
    "GeneratedText",
    "Generation",
    "HistoryEntry",
    "InputInfo",
    "Invariance",
    "Latency",
    "ModeCheck",
    "ModeDivergence",
    "ModeOutcome",
    "ModeSuspect",
    "ModelInfo",
    "OperatorFinding",
    "OutputComparison",
    "OutputInfo",
    "OutputLoss",
    "Overlap",
    "Prediction",
    "Problem",
    "Quantisation",
    "QuantisationLoss",
    "QuantisedWeights",
    "Record",
    "Repeats",
    "Repro",
    "ReproCase",
    "Roofline",
    "RuleOutcome",
    "Run",
    "Said",
    "Soak",
    "SoakPlace",
    "SoakReading",
    "SpeedUp",
    "StepFinding",
    "SumOrderFound",
    "Summary",
    "Term",
    "Timings",
    "TokenFlip",
    "ToolInfo",
    "Value",
    "Verdict",
    "WeightFile",
    "WeightsInfo",
    "WorstOutput",
    "decode",
    "encode",
    "json_schema",
    "said_of",
]

SCHEMA_VERSION = 2


class ToolInfo(Record, frozen=True, kw_only=True):
    name: str
    version: str
    source: str | None = None  # "commit …", "wheel sha256:…" or "files sha256:…". None: the installer does not tell


class HistoryEntry(Record, frozen=True):
    """Where the copy of a summary lies below `history/`, and what the logs folder held before it."""

    folder: str
    previous: str | None = None  # the folder of the summary before this one; None: there was none, or it names none
    previous_sha256: str | None = None  # of that summary's file; None: there was none


class Summary(Record, frozen=True, kw_only=True):
    schema_version: int
    tool: ToolInfo
    created_at: str  # UTC, ISO 8601, "…Z"
    command: str  # the command line of the last command that wrote a section
    commands: dict[str, str] = msgspec.field(
        default_factory=dict
    )  # command name -> its command line, for every command whose figures are here
    model: ModelInfo | None = None  # None: no model was loaded (`env`)
    weights: WeightsInfo | None = None  # None: no model was loaded
    environment: Environment | None = None
    changes: EnvironmentChanges | None = None  # None: not asked for (`env --diff`)
    run: Run | None = None
    compare: Compare | None = None
    bench: Bench | None = None
    reasons: dict[str, Fact] = msgspec.field(default_factory=dict)
    history: HistoryEntry | None = None  # None: not published in a logs folder


def encode(summary: Summary) -> bytes:
    """UTF-8 JSON, two spaces of indentation, a final newline."""
    return as_json(summary)


def as_json(record: object) -> bytes:
    """Any record as `encode` writes a summary."""
    try:
        data = msgspec.json.encode(record, enc_hook=_text)
    except UnicodeEncodeError:  # a path that is not UTF-8 (a folder named in GBK): its bytes are shown as escapes
        data = msgspec.json.encode(_legible(msgspec.to_builtins(record, enc_hook=_text)))
    return msgspec.json.format(data, indent=2) + b"\n"


def _text(value: object) -> str:
    """A text that knows more than its letters, as its letters. Raises `TypeError` for what is no text."""
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no part of a record")


def legible(text: str) -> str:
    """The text such that UTF-8 can hold it: bytes that are none are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _legible(value: Any) -> Any:
    """`value` with every text `legible`."""
    if isinstance(value, str):
        return legible(value)
    if isinstance(value, dict):
        return {_legible(key): _legible(each) for key, each in value.items()}
    return [_legible(each) for each in value] if isinstance(value, (list, tuple)) else value


def decode(data: bytes, *, origin: str) -> Summary:
    """The summary in `data`; `origin` names the file in messages.

    Raises `SummaryUnreadable` for torn JSON, JSON that is not npu-adapt's, a newer schema, or a field of the wrong
    type.
    """
    try:
        head: Any = msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise SummaryUnreadable(
            Sentence("{origin} is not complete JSON: {error}", origin=origin, error=error),
            hint="it was cut or edited; an intact copy of every run is in the history folder beside it",
        ) from error
    version = head.get("schema_version") if isinstance(head, dict) else None
    if type(version) is not int or not isinstance(head.get("tool"), dict) or head["tool"].get("name") != "npu-adapt":
        raise SummaryUnreadable(
            Sentence("{origin} was not written by npu-adapt", origin=origin), hint="name a summary.json of npu-adapt"
        )
    if version > SCHEMA_VERSION:
        raise SummaryUnreadable(
            Sentence(
                "{origin} has schema version {version}; this npu-adapt reads up to {schema_version}",
                origin=origin,
                version=version,
                schema_version=SCHEMA_VERSION,
            ),
            hint="upgrade npu-adapt: pip install --upgrade npu-adapt",
        )
    try:
        return msgspec.convert(upgraded(head, version), Summary)
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise SummaryUnreadable(
            Sentence("{origin} does not follow schema {version}: {error}", origin=origin, version=version, error=error),
            hint="run the command again",
        ) from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `summary.json`."""
    return msgspec.json.schema(Summary)
