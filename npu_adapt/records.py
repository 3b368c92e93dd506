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

SCHEMA_VERSION = 1


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all records: immutable, and strict about what it decodes."""


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
    packages: dict[str, str] = {}  # the other packages that shape the numbers, by distribution name
    variables: dict[str, str] = {}  # environment variables that the device's stack reads
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


class Warning(Record, frozen=True, kw_only=True):
    id: str
    message: str


class Latency(Record, frozen=True, kw_only=True):
    mean: float
    median: float
    p90: float | None  # None: too few samples for a 90th percentile
    p99: float | None  # None: too few samples for a 99th percentile
    std: float
    min: float
    max: float


class ConfidenceInterval(Record, frozen=True, kw_only=True):
    low: float
    high: float
    confidence: float


class Roofline(Record, frozen=True, kw_only=True):
    """What the device itself reached in this run, what the model asks of it, and the shortest time that allows."""

    matmul_flop_per_s: float  # a large matrix product in this element type
    copy_bytes_per_s: float  # read and written, together
    launch_ms: float  # one call of the smallest operator, queued behind others
    flop: int  # of one forward, multiply and add counted apart
    bytes: int  # weights, inputs and outputs of one forward, each moved once: a lower bound
    operators: int  # calls that reach the device in one forward
    bound: str  # compute | memory | launch: which of the three takes longest
    bound_ms: float
    achieved: float  # bound_ms / median latency; 1 is the limit


class SpeedUp(Record, frozen=True, kw_only=True):
    """Reference time / device time, the two measured in turns."""

    reference: str  # "cpu"
    reference_dtype: str
    reference_threads: int
    reference_median_ms: float
    ratio: float
    interval: ConfidenceInterval | None  # None: fewer than six pairs


class BenchRow(Record, frozen=True, kw_only=True):
    """One setting of a benchmark, measured or not."""

    dtype: str
    attention: str
    mode: str  # eager | compile | graph
    threads: int
    batch_size: int
    status: str  # measured | wrong (its output is not the reference's) | failed
    reason: str = ""  # why it is wrong or failed
    relative_l2: float | None = None  # of the worst output against the reference; None: failed before, or not finite
    warmup: int = 0
    iterations: int = 0
    ended_by: str = ""  # iterations | precision | max-seconds
    steady: bool | None = None  # None: warm-up was pinned
    latency_ms: Latency | None = None  # the device's clock where there is one, else the host's; None: failed
    median_interval_ms: ConfidenceInterval | None = None  # None: failed, or under six samples
    samples_ms: tuple[float, ...] = ()
    host_samples_ms: tuple[float, ...] = ()  # where `samples_ms` are of the device's clock
    launch_gap_ms: float | None = None  # median host time - median device time; None: one clock only
    first_forward_ms: float | None = None  # includes compilation; None: failed before
    warmup_ms: float | None = None  # all warm-up calls together; None: failed before
    throughput_per_s: float | None = None  # `Bench.throughput_unit` a second, by the host's median; None: failed
    peak_memory_bytes: int | None = None  # None: failed, or nobody keeps count
    weights_bytes: int | None = None  # None: failed before
    activations_bytes: int | None = None  # peak above weights and inputs; None: nobody keeps count
    roofline: Roofline | None = None  # None: not measured
    speed_up: SpeedUp | None = None  # None: not measured against another device
    warnings: tuple[Warning, ...] = ()


class Gate(Record, frozen=True, kw_only=True):
    """This benchmark against an earlier one, by the medians of fresh processes on both sides."""

    baseline: str
    fail_above: float
    ratio: float  # now / baseline
    interval: ConfidenceInterval
    baseline_medians_ms: tuple[float, ...]
    passed: bool
    decided: bool  # False: the interval still holds the limit; that passes, and is said


class Bench(Record, frozen=True, kw_only=True):
    """The best row's figures, and all rows."""

    device: str
    dtype: str
    batch_size: int
    warmup: int
    iterations: int
    latency_ms: Latency
    samples_ms: tuple[float, ...]
    throughput_per_s: float
    peak_memory_bytes: int | None  # None: nobody keeps count
    warnings: tuple[Warning, ...] = ()
    attention: str = ""
    mode: str = "eager"
    threads: int = 0
    throughput_unit: str = "samples"
    median_interval_ms: ConfidenceInterval | None = None  # None: under six samples
    clock: str = "host"  # host | device: whose clock `samples_ms` are of
    memory_source: str = ""  # what `peak_memory_bytes` counts
    real_time_factor: float | None = None  # latency / length of the sound; None: no sound of known length
    prefill_tokens_per_s: float | None = None  # None: not a causal language model
    decode_tokens_per_s: float | None = None  # None: not a causal language model, or it keeps no cache
    rows: tuple[BenchRow, ...] = ()
    best_row: int = 0
    process_medians_ms: tuple[float, ...] = ()  # of fresh processes; what a later run's gate compares with
    pinned_cores: tuple[int, ...] = ()  # empty: not pinned
    gate: Gate | None = None  # None: no baseline was given


class Summary(Record, frozen=True, kw_only=True):
    schema_version: int
    tool: ToolInfo
    created_at: str  # UTC, ISO 8601, "…Z"
    command: str  # the command line of the last command that wrote a section
    commands: dict[str, str] = {}  # command name -> its command line, for every command whose figures are here
    model: ModelInfo | None = None  # None: no model was loaded (`env`)
    weights: WeightsInfo | None = None  # None: no model was loaded
    environment: Environment | None = None
    run: Run | None = None
    compare: Compare | None = None
    bench: Bench | None = None
    reasons: dict[str, str] = {}


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
