"""The records of a comparison: differences, operators, arithmetic and the verdict."""

from __future__ import annotations

from npu_adapt.records.base import Fact, Record, Term
from npu_adapt.records.generation import Generation
from npu_adapt.records.overlap import Overlap
from npu_adapt.records.quantisation import Dequantised, QuantisationLoss
from npu_adapt.records.repro import Repro
from npu_adapt.records.run import InputInfo
from npu_adapt.records.soak import Soak


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
    reference_nans: int = 0  # in the reference itself, all samples together
    reference_value: float | None = None  # at worst_index; None: not finite
    candidate_value: float | None = None  # at worst_index; None: not finite
    unequal: int | None = None  # elements that differ, all samples together; None: floating, whose error is measured
    float64_relative_l2: float | None = None  # against the same weights in float64; None: not measured (--fast)
    noise_floor: float | None = None  # the largest such error of correct arithmetic; None: not measured (--fast)
    error_over_floor: float | None = None  # None: no floor


class OperatorFinding(Record, frozen=True, kw_only=True):
    """One operator that failed a test, judged alone or within the whole.

    "repeat" is failed by one that gave other bits for the same input: figures are None where two forwards showed it.
    """

    module: str
    operator: str
    index: int  # position in the order of execution
    output_shape: tuple[int, ...]
    test: str  # rms | row | element | residual | exact | whole-numbers | repeat | end-to-end
    error_over_floor: float | None  # None: not finite
    worst_index: tuple[int, ...]  # empty: of a scalar, or not known
    reference: float | None  # None: not finite
    candidate: float | None  # None: not finite
    sample: int = 0
    differs: bool = False  # whether forwards of one input had other bits from here on

    @property
    def is_divergence(self) -> bool:
        """Whether forwards of one input showed it, of which no values are kept, rather than the operator by itself."""
        return self.test == "repeat" and self.reference is None and self.candidate is None


class Depth(Record, frozen=True, kw_only=True):
    """The error of each computed operator of one forward, in the order of execution: one value for each, relative L2.

    Isolated errors are the device's on the CPU's own inputs, against float64; accumulated ones are between the two
    sides' forwards, each on what it computed itself. Floors are what a correct device may show.
    """

    sample: int
    index: tuple[int, ...]
    module: tuple[str, ...]
    operator: tuple[str, ...]
    isolated: tuple[float, ...]
    isolated_floor: tuple[float, ...]
    accumulated: tuple[float, ...] | None = None  # None: the two sides did not run in step
    accumulated_floor: tuple[float, ...] | None = None  # None: likewise


class ArithmeticFound(Record, frozen=True, kw_only=True):
    """Per operator class; None: the model has no operator of the class, or the probe cannot tell."""

    matmul: str | None
    conv: str | None
    attention: str | None


class ArithmeticReading(Record, frozen=True, kw_only=True):
    """What the probe read off one class of operators."""

    operators: str  # matmul | conv | attention
    arithmetic: str | None  # None: none of the table keeps so few bits
    operand_bits: int  # explicit mantissa bits that an operand keeps
    rounding: str  # nearest-even | nearest-away | truncated | none | other
    accumulation_bits: int | None = None  # explicit mantissa bits of the sums; None: this class does not show them
    overflows: bool | None = None  # at 2^20; None: half types cannot hold it
    flushes_denormals: bool | None = None  # None: this class does not show it
    truncates_sums: bool | None = None  # whether what a sum drops is cut off, not rounded. None: not shown


class ConvolutionFound(Record, frozen=True, kw_only=True):
    """A convolution that the device computes by a transform of its operands."""

    image: tuple[int, ...]  # [batch, channels, height, width]
    filters: tuple[int, ...]  # [channels of the result, channels, height, width]
    padding: tuple[int, ...]
    algorithm: str  # winograd-2x2 | winograd-4x4 | fft


class SumOrderFound(Record, frozen=True, kw_only=True):
    """In which order the device sums matrix products of so many terms."""

    terms: int
    order: str  # sequential | swapped-pairs | blocks | pairwise | lanes | wider | changing | unknown
    block: int | None  # terms of a part that is summed by itself, or lanes. None: sums have no parts
    at_once: int  # terms that are added in one step
    last_first: bool


class ArithmeticReport(Record, frozen=True, kw_only=True):
    asked: str  # auto | float32 | hf32 | float16 | bfloat16
    found: ArithmeticFound | None  # None: not probed (--fast)
    readings: tuple[ArithmeticReading, ...] = ()  # of all classes, also those that the model does not use
    exp_overflows: bool | None = None  # whether e^80 came out infinite; None: the probe cannot tell
    judged_at: str | None = None  # the arithmetic of the noise floor; None: no floor
    convolutions: tuple[ConvolutionFound, ...] = ()  # those that are no sums of products on the device
    sums: tuple[SumOrderFound, ...] = ()  # at the sizes that the model's products have most often
    # Arithmetics that explain the error end to end, float32 alone where it does; None: not worked out.
    fits: tuple[str, ...] | None = None


class Repeats(Record, frozen=True, kw_only=True):
    """The same forward several times: the share of elements that were not the same to the bit in all of them.

    Of the reference None where it ran once: the device's forwards of the same code were equal.
    """

    forwards: int
    reference_spread: float | None  # the largest relative L2 between two forwards of the reference
    reference_differing: float | None
    candidate_differing: float
    stateful: bool = False  # the reference's forwards differ because each leaves something for the next


class RuleOutcome(Record, frozen=True, kw_only=True):
    rule: str
    passed: bool
    terms: tuple[Term, ...]


class Verdict(Record, frozen=True, kw_only=True):
    passed: bool
    rule: str  # the one that decides
    terms: tuple[Term, ...]  # what every rule needs and does not hold, then the deciding rule's own
    others: tuple[RuleOutcome, ...] = ()  # what the other rules say of the same figures


class WorstOutput(Record, frozen=True, kw_only=True):
    """Where a flat metric was taken from."""

    output: str
    sample: int


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
    regressions: tuple[Fact, ...]
    changes: tuple[Fact, ...]  # in the environment


class ModeCheck(Record, frozen=True, kw_only=True):
    """One forward in a mode, compared with the same forward in eager mode on the same device.

    The figures against float64 and the floors are those of the mode's own result.
    """

    check: str  # first | other-values | first-again | other-shape | first-kept | unwatched
    passed: bool
    outputs: tuple[OutputComparison, ...]


class ModeSuspect(Record, frozen=True, kw_only=True):
    """The smallest submodule that fails in a mode by itself, on the inputs that it has within the model."""

    module: str
    type: str  # its class
    check: str
    output: str  # the worst one
    error_over_floor: float | None  # None: not finite, or compared exactly
    tried: int  # submodules that were compiled or captured alone


class ModeDivergence(Record, frozen=True, kw_only=True):
    """The first operator whose bits two replays of one captured graph, on the same input, do not agree in."""

    module: str
    operator: str
    index: int  # position among the calls of the forward
    output_shape: tuple[int, ...]
    check: str  # the one whose input it was


class ModeOutcome(Record, frozen=True, kw_only=True):
    """What the subject gives compiled, or captured as a graph of the device."""

    mode: str  # compile | graph
    status: str  # passed | failed | failed-to-run | absent: the device does not have it, or nothing can be judged
    compiler: str | None  # what torch.compile took; None: a captured graph
    reason: Fact | None = None  # why it did not run; None: it ran
    checks: tuple[ModeCheck, ...] = ()
    suspect: ModeSuspect | None = None  # None: nothing failed, or `divergence` says where
    divergence: ModeDivergence | None = None  # None: replays agree, or none were watched
    graphs: int | None = None  # that torch.compile made of all these forwards; None: not compiled
    graph_breaks: tuple[str, ...] = ()  # why torch.compile broke off, each reason once
    seconds: float | None = None  # for all checks, compilation included; None: it did not run
    left_out: tuple[Fact, ...] = ()  # checks that could not be made


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
    match_basis: tuple[Term, ...]  # of `match_within_1_percent`
    outputs: tuple[OutputComparison, ...]
    worst_outputs: dict[str, WorstOutput]  # flat metric -> where it was taken from
    verdict: Verdict
    inputs: tuple[InputInfo, ...] = ()  # of all samples, in order
    latency: CompareLatency | None = None  # None: not measured warm on both sides
    arithmetic: ArithmeticReport | None = None  # None: not judged (--fast)
    repeats: Repeats | None = None  # None: one forward only (--fast)
    operators: tuple[OperatorFinding, ...] = ()
    first_suspect: OperatorFinding | None = None  # None: no operator failed
    operators_judged: int = 0  # calls that were replayed on the device, over all samples
    operators_sampled: int = 0  # of those, calls close to the CPU's result, of which a part was held to the truth
    operator_notes: tuple[Fact, ...] = ()  # what limits the judgement of operators: no float64 kernel, random numbers
    depth: Depth | None = None  # None: no operator was judged
    left_out: tuple[Fact, ...] = ()  # what was not compared, and why
    baseline: Baseline | None = None  # None: not asked for
    generation: Generation | None = None  # None: not asked for
    dequantised: Dequantised | None = None  # None: the weights are not quantised, or no device dequantised them
    quantisation_loss: QuantisationLoss | None = None  # None: --original was not given
    modes: tuple[ModeOutcome, ...] = ()  # beyond eager, in which everything else was measured
    repro: Repro | None = None  # None: not asked for
    soak: Soak | None = None  # None: not asked for, or of a random model
    overlaps: tuple[Overlap, ...] = ()  # what people see, sample by sample; empty: no boxes or masks
