"""The records behind `summary.json`: frozen, plain, and the only source of every number that is shown anywhere.

Tuples, not lists; units in names. `None` means "does not apply", and `Summary.reasons` then holds the why under the
field's dotted path (`"compare.top1_match"`). Nothing here computes: encoding, strict decoding and the JSON Schema.

Schema history
    1  first published form
"""

from __future__ import annotations

from typing import Any

import msgspec

from npu_adapt.errors import SummaryUnreadable
from npu_adapt.records.base import Record
from npu_adapt.records.bench import Bench, BenchRow, ConfidenceInterval, Gate, Latency, Roofline, SpeedUp, Warning

__all__ = [
    "SCHEMA_VERSION",
    "ArithmeticFound",
    "ArithmeticReport",
    "Baseline",
    "Bench",
    "BenchRow",
    "Compare",
    "CompareLatency",
    "ConfidenceInterval",
    "DeviceInfo",
    "Environment",
    "Failure",
    "Gate",
    "InputInfo",
    "Latency",
    "ModelInfo",
    "OperatorFinding",
    "OutputComparison",
    "OutputInfo",
    "Prediction",
    "Problem",
    "Record",
    "Roofline",
    "RuleOutcome",
    "Run",
    "SpeedUp",
    "Summary",
    "Timings",
    "ToolInfo",
    "Verdict",
    "Warning",
    "WeightFile",
    "WeightsInfo",
    "decode",
    "encode",
    "json_schema",
]

SCHEMA_VERSION = 1


class ToolInfo(Record, frozen=True, kw_only=True):
    name: str
    version: str


class ModelInfo(Record, frozen=True, kw_only=True):
    id: str
    organization: str | None  # None: a directory or a built-in has no owner
    task: str
    architecture: str
    parameters: int
    source: str  # modelscope | huggingface | directory | builtin
    revision: str | None  # None: a plain directory has no revision
    url: str | None  # None: nothing on a hub answers to this model


class WeightFile(Record, frozen=True, kw_only=True):
    name: str
    bytes: int
    sha256: str
    verified_against: str  # hub | registry | nothing


class WeightsInfo(Record, frozen=True, kw_only=True):
    pretrained_used: bool
    local_weight_used: bool
    path: str
    files: tuple[WeightFile, ...]
    missing_keys: tuple[str, ...] = ()
    mismatched_keys: tuple[str, ...] = ()
    unexpected_keys: tuple[str, ...] = ()
    proven_parameters: int = 0  # tensors found equal to their named source in the weight files
    conversions: tuple[
        str, ...
    ] = ()  # what was undone to find them equal: "cast float16 to float32", "tied lm_head.weight"
    left_out: tuple[str, ...] = ()  # parts the checkpoint does not hold and the task does not use, e.g. "pooler"
    doubts: tuple[str, ...] = ()  # e.g. "looks untrained: every norm is 1 and every bias is 0"


class DeviceInfo(Record, frozen=True, kw_only=True):
    index: int
    name: str
    memory_bytes: int | None  # None: the backend does not tell
    free_memory_bytes: int | None = None  # None: the backend does not tell
    health: str | None = None  # None: no management tool answered


class Problem(Record, frozen=True, kw_only=True):
    """One thing in the environment that does not fit, and its mend."""

    id: str
    severity: str  # error | warning
    found: str
    wanted: str
    fix: str
    why: str = ""


class Environment(Record, frozen=True, kw_only=True):
    python: str
    platform: str
    torch: str | None  # None: not installed, which only `env` can report
    torch_npu: str | None  # None: not installed
    transformers: str | None  # None: not installed
    cann: str | None  # None: no CANN found
    driver: str | None  # None: no driver found
    firmware: str | None  # None: no firmware found
    devices: tuple[DeviceInfo, ...] = ()
    problems: tuple[Problem, ...] = ()
    cpu: str | None = None  # None: the platform does not name its processor
    cpu_cores: int = 0
    memory_bytes: int = 0
    packages: dict[str, str] = msgspec.field(
        default_factory=dict
    )  # the other packages that shape the numbers, by distribution name
    variables: dict[str, str] = msgspec.field(
        default_factory=dict
    )  # environment variables that the device's stack reads
    npu_smi: str | None = None  # the tool's text where it was read but not understood; None: absent or understood


class InputInfo(Record, frozen=True, kw_only=True):
    name: str
    shape: tuple[int, ...]
    sha256: str
    origin: str  # the file, text or generator behind it


class OutputInfo(Record, frozen=True, kw_only=True):
    name: str
    shape: tuple[int, ...]
    dtype: str


class Prediction(Record, frozen=True, kw_only=True):
    label: str
    index: int
    score: float
    sample: int = 0


class Failure(Record, frozen=True, kw_only=True):
    stage: str
    kind: str = msgspec.field(name="class")
    message: str = ""
    operator: str | None = None  # None: the backend does not name one


class Timings(Record, frozen=True, kw_only=True):
    """Milliseconds of wall time, the device synchronised at both ends."""

    load: float | None  # reading weights and building the model; None: did not get there
    first_forward: float | None  # includes compilation and lazy reading; None: did not get there
    warm_forward: float | None  # median of the forwards after the first; None: only one was run


class Run(Record, frozen=True, kw_only=True):
    status: str  # SUCCESS | FAILED | REHEARSED
    device: str  # "npu:0"; "rehearsed:hf32" for an emulated one
    dtype: str
    attention: str
    numerics: dict[str, bool | int | str | None]
    threads: int
    seed: int
    inputs: tuple[InputInfo, ...] = ()
    outputs: tuple[OutputInfo, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    timings_ms: Timings | None = None  # None: failed before the first forward
    peak_memory_bytes: int | None = None  # None: the device keeps no statistics
    cpu_fallbacks: tuple[str, ...] | None = (
        None  # operators that ran on the CPU instead; None: the backend does not tell
    )
    failure: Failure | None = None  # None: it did not fail


class OutputComparison(Record, frozen=True, kw_only=True):
    """One output over all samples: each figure is the worst sample's.

    Figures are None where they do not exist: against a NaN, or between infinities.
    """

    name: str
    shape: tuple[int, ...]
    max_abs_diff: float | None
    mean_abs_diff: float | None
    cosine_similarity: float | None
    relative_l2: float | None
    nan_mismatches: int
    inf_mismatches: int
    worst_index: tuple[int, ...]
    worst_sample: int = 0
    reference_value: float | None = None  # at worst_index; None: not finite
    candidate_value: float | None = None  # at worst_index; None: not finite
    noise_floor: float | None = None  # relative L2 that a correct device may show; None: not measured (--fast)
    error_over_floor: float | None = None  # None: no floor


class OperatorFinding(Record, frozen=True, kw_only=True):
    """One operator that failed a test, judged alone or within the whole."""

    module: str
    operator: str
    index: int  # position in the order of execution
    output_shape: tuple[int, ...]
    test: str  # rms | row | element | residual | exact | repeat | end-to-end
    error_over_floor: float | None  # None: not finite
    worst_index: tuple[int, ...]
    reference: float | None  # None: not finite
    candidate: float | None  # None: not finite
    sample: int = 0


class ArithmeticFound(Record, frozen=True, kw_only=True):
    """Per operator class; None: the model has no operator of the class, or the probe cannot tell."""

    matmul: str | None
    conv: str | None
    attention: str | None


class ArithmeticReport(Record, frozen=True, kw_only=True):
    asked: str  # auto | float32 | hf32 | float16 | bfloat16
    found: ArithmeticFound | None  # None: not probed (--fast)


class RuleOutcome(Record, frozen=True, kw_only=True):
    rule: str
    passed: bool
    detail: str


class Verdict(Record, frozen=True, kw_only=True):
    passed: bool
    rule: str
    reasons: tuple[str, ...]
    others: tuple[RuleOutcome, ...] = ()  # what the other rules say of the same figures


class CompareLatency(Record, frozen=True, kw_only=True):
    """Median warm forward of each side, milliseconds, measured in the same run."""

    reference_ms: float
    candidate_ms: float
    speed_up: float
    iterations: int


class Baseline(Record, frozen=True, kw_only=True):
    """An earlier comparison of the same model, and what is worse than it was."""

    path: str
    created_at: str
    regressions: tuple[str, ...]
    changes: tuple[str, ...]  # in the environment, "torch_npu: 2.8.0 -> 2.9.0"


class Compare(Record, frozen=True, kw_only=True):
    reference: str
    candidate: str
    samples: int
    max_abs_diff: float | None
    mean_abs_diff: float | None
    cosine_similarity: float | None
    relative_l2: float | None
    top1_match: bool | None
    top5_match: bool | None
    match_within_1_percent: bool
    match_basis: str
    outputs: tuple[OutputComparison, ...]
    worst_outputs: dict[str, str]  # flat metric -> "output, sample" that it was taken from
    verdict: Verdict
    inputs: tuple[InputInfo, ...] = ()  # of all samples, in order
    latency: CompareLatency | None = None  # None: not measured warm on both sides
    arithmetic: ArithmeticReport | None = None  # None: not judged (--fast)
    operators: tuple[OperatorFinding, ...] = ()
    first_suspect: OperatorFinding | None = None  # None: no operator failed
    left_out: tuple[str, ...] = ()  # what was not compared, and why
    baseline: Baseline | None = None  # None: not asked for


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
    run: Run | None = None
    compare: Compare | None = None
    bench: Bench | None = None
    reasons: dict[str, str] = msgspec.field(default_factory=dict)


def encode(summary: Summary) -> bytes:
    """UTF-8 JSON, two spaces of indentation, a final newline."""
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"


def decode(data: bytes, *, origin: str) -> Summary:
    """The summary in `data`; `origin` names the file in messages.

    Raises `SummaryUnreadable` for torn JSON, JSON that is not npu-adapt's, a newer schema, or a field of the wrong
    type.
    """
    try:
        head: Any = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise SummaryUnreadable(
            f"{origin} is not complete JSON: {error}",
            hint="it was cut or edited; an intact copy of every run is in the history folder beside it",
        ) from error
    version = head.get("schema_version") if isinstance(head, dict) else None
    if type(version) is not int or not isinstance(head.get("tool"), dict) or head["tool"].get("name") != "npu-adapt":
        raise SummaryUnreadable(f"{origin} was not written by npu-adapt", hint="name a summary.json of npu-adapt")
    if version > SCHEMA_VERSION:
        raise SummaryUnreadable(
            f"{origin} has schema version {version}; this npu-adapt reads up to {SCHEMA_VERSION}",
            hint="upgrade npu-adapt: pip install --upgrade npu-adapt",
        )
    try:
        return msgspec.convert(head, Summary)
    except msgspec.ValidationError as error:
        raise SummaryUnreadable(
            f"{origin} does not follow schema {version}: {error}", hint="run the command again"
        ) from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `summary.json`."""
    return msgspec.json.schema(Summary)
