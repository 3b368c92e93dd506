"""The records of a benchmark: its rows, what they are measured against, and what they warn of."""

from __future__ import annotations

from npu_adapt.records.base import Fact, Record


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
    reason: Fact | None = None  # why it is wrong or failed; None: it is right
    relative_l2: float | None = None  # of the worst output against the reference; None: failed before, or not finite
    warmup: int = 0
    iterations: int = 0
    ended_by: str = ""  # iterations | precision | max-seconds
    steady: bool | None = None  # None: warm-up was pinned
    latency_ms: Latency | None = None  # the device's clock where there is one, else the host's; None: failed
    median_interval_ms: ConfidenceInterval | None = None  # None: failed, or under six samples
    samples_ms: tuple[float, ...] = ()
    host_samples_ms: tuple[float, ...] = ()  # where `samples_ms` are of the device's clock
    reading_samples_ms: tuple[float, ...] = ()  # of reading the weights before each sample; empty: not read
    pace_samples_ms: tuple[float, ...] = ()  # of a fixed piece of work of the CPU, in turns; empty: not measured
    launch_gap_ms: float | None = None  # median host time - median device time; None: one clock only
    first_forward_ms: float | None = None  # includes compilation; None: failed before
    warmup_ms: float | None = None  # all warm-up calls together; None: failed before
    throughput_per_s: float | None = None  # `Bench.throughput_unit` a second, by the host's median; None: failed
    peak_memory_bytes: int | None = None  # None: failed, or nobody keeps count
    weights_bytes: int | None = None  # None: failed before
    activations_bytes: int | None = None  # peak above weights and inputs; None: nobody keeps count
    real_time_factor: float | None = None  # host's median / length of the sounds; None: failed, or no sound
    prefill_tokens_per_s: float | None = None  # prompt tokens by the host's median; None: failed, no causal LM
    decode_tokens_per_s: float | None = None  # new tokens, with the cache; None: failed, no causal LM, keeps no cache
    decode_interval: ConfidenceInterval | None = None  # of `decode_tokens_per_s`; None: as it, or under six samples
    decode_samples_ms: tuple[float, ...] = ()  # host time of each step, the cache growing by one token each
    roofline: Roofline | None = None  # None: not measured
    speed_up: SpeedUp | None = None  # None: not measured against another device
    warnings: tuple[Fact, ...] = ()


class Gate(Record, frozen=True, kw_only=True):
    """This benchmark against an earlier one, by the medians of fresh processes on both sides."""

    baseline: str
    fail_above: float
    ratio: float  # now / baseline
    interval: ConfidenceInterval
    baseline_medians_ms: tuple[float, ...]
    paced: bool = False  # whether `ratio` is of latencies over the processor's pace beside them
    reading_share: float | None = None  # of the baseline's latency; None: not paced
    passed: bool
    decided: bool  # False: the interval still holds the limit; that passes, and is said


class Bench(Record, frozen=True, kw_only=True):
    """One row's figures, and all rows."""

    device: str
    dtype: str
    batch_size: int
    warmup: int
    iterations: int
    latency_ms: Latency
    samples_ms: tuple[float, ...]
    throughput_per_s: float
    peak_memory_bytes: int | None  # None: nobody keeps count
    warnings: tuple[Fact, ...] = ()
    attention: str = ""
    mode: str = "eager"
    threads: int = 0
    throughput_unit: str = "samples"
    median_interval_ms: ConfidenceInterval | None = None  # None: under six samples
    clock: str = "host"  # host | device: whose clock `samples_ms` are of
    memory_source: str = ""  # device-statistics | resident-in-first-forward | resident-since-start; empty: not recorded
    real_time_factor: float | None = None  # latency / length of the sound; None: no sound of known length
    prefill_tokens_per_s: float | None = None  # None: not a causal language model
    decode_tokens_per_s: float | None = None  # None: not a causal language model, or it keeps no cache
    rows: tuple[BenchRow, ...] = ()
    best_row: int = 0  # of the highest throughput
    result_row: int = 0  # whose figures the section repeats: batch size 1, unless another was asked for
    process_medians_ms: tuple[float, ...] = ()  # of fresh processes; what a later run's gate compares with
    process_reading_ms: tuple[float, ...] = ()  # medians of `reading_samples_ms` in them; empty: no CPU was measured
    process_pace_ms: tuple[float, ...] = ()  # medians of `pace_samples_ms` in them; empty: no CPU was measured
    pinned_cores: tuple[int, ...] = ()  # empty: not pinned
    gate: Gate | None = None  # None: no baseline was given
