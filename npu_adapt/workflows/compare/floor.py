"""How far correct arithmetic is from the truth on this model and these inputs: the noise floor, end to end.

The truth is float64 on the CPU; that of a half typed model is float32. The floor is the largest error among emulations
of one arithmetic that differ in what kernels leave open, so that a device is held to what it could have done right, and
to no less.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice

import torch
from msgspec.structs import replace

from npu_adapt.devices.transfer import copy_to
from npu_adapt.models.tasks import LoadedModel, Sample
from npu_adapt.models.tasks.results import with_infinities
from npu_adapt.numerics.arithmetic import DIRECT, ArithmeticByClass
from npu_adapt.numerics.emulation import Emulation, emulate
from npu_adapt.numerics.exact import HALF_TYPES
from npu_adapt.numerics.explanation import CANDIDATES, fitting, predicted_errors
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.numerics.rules import FLOOR_MARGIN
from npu_adapt.numerics.truth import Widened, wide_enough
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Fact, OutputComparison
from npu_adapt.workflows.compare.facts import LeftOutId, left_out
from npu_adapt.workflows.compare.outputs import require_same_outputs
from npu_adapt.workflows.run.forward import Outputs

CPU = torch.device("cpu")
COARSE = "float16"  # emulated to explain an error: its rounding is a cast, the cheapest
LEAST_EMULATIONS = 2
LEAST_DRAWS = 64  # elements of an output, in all its emulations together; they err alike, so ten are not ten draws
MOST_EMULATIONS = 16
EMULATIONS_OF_HALF_TYPES = 4  # they round after every operator, which scatters errors more than operands do


@dataclass(frozen=True)
class Measured:
    """One output of one sample, as relative L2 against float64."""

    error: float | None  # the device's; None: not finite
    floor: float | None  # the largest of the emulations; None: none of them is finite

    @property
    def over_floor(self) -> float | None:
        """None: one of the two does not exist."""
        return None if self.error is None or self.floor is None else self.error / self.floor


@dataclass(frozen=True)
class NoiseFloor:
    """The device's errors beside the floor, and what else the truth brought to light."""

    samples: tuple[dict[str, Measured], ...]  # by floating output
    truth: tuple[Outputs, ...]  # in float64; empty unless it was to be kept
    operators: frozenset[str] = frozenset()  # classes of matrix products that the model uses
    left_out: tuple[Fact, ...] = ()  # where the truth is not in float64
    fits: tuple[str, ...] | None = None  # None: not worked out


@dataclass(frozen=True)
class InFloat32:
    """The CPU's own forwards in float32, sample by sample, which need not be run again.

    Those of a half typed model are its truth, and `wide` is what they ran in; those of a float32 model are the first
    emulation of float32, and `wide` is None.
    """

    outputs: tuple[Outputs, ...]
    wide: Widened | None


def measure_floor(
    loaded: LoadedModel,
    samples: tuple[Sample, ...],
    candidate: tuple[Outputs, ...],
    arithmetic: ArithmeticByClass,
    progress: Progress,
    *,
    explain: bool,
    keep_truth: bool,
    known: InFloat32 | None = None,
) -> NoiseFloor:
    """Truth and floor of every sample; with `explain` also what other arithmetics would show, on the first one.

    One truth is held at a time unless `keep_truth`. `known` None: the reference ran elsewhere.
    """
    explained = explain and loaded.dtype == torch.float32
    total = sum(1 + emulations_wanted(outputs, loaded.dtype) for outputs in candidate) + (1 if explained else 0)
    measured: list[dict[str, Measured]] = []
    truths: list[Outputs] = []
    wide = known.wide if known is not None and known.wide is not None else wide_enough(loaded.dtype)
    fits = None
    instead: dict[LeftOutId, None] = {}  # an ordered set
    if loaded.dtype in HALF_TYPES:
        instead["half-type-in-float32"] = None
    with progress.task(doing("measuring-floor"), total=total) as step:
        for number, sample in enumerate(samples):
            own = None if known is None else known.outputs[number]
            if own is not None and loaded.dtype in HALF_TYPES:
                truth, other = own, None
            else:
                truth, other = truth_of(loaded, sample, candidate[number], wide)
            require_same_outputs((truth,), ({name: candidate[number][name] for name in truth},))
            instead |= {} if other is None else {other: None}
            step.advance(1)
            errors = []
            for variant in emulations(arithmetic, wide.operators, truth, loaded.dtype):
                if own is not None and loaded.dtype == torch.float32 and is_own(variant, wide):
                    emulated = own
                else:
                    emulated = forward_of(loaded, sample, loaded.dtype, emulate(variant))
                errors.append(errors_of(emulated, truth))
                step.advance(1)
            found = errors_of(candidate[number], truth)
            measured.append(_measured(found, errors, loaded.dtype))
            for variant in further_emulations(arithmetic, loaded.dtype):
                if all(each.over_floor is None or each.over_floor <= FLOOR_MARGIN for each in measured[-1].values()):
                    break
                errors.append(errors_of(forward_of(loaded, sample, loaded.dtype, emulate(variant)), truth))
                measured[-1] = _measured(found, errors, loaded.dtype)
            if explained and number == 0:
                fits = _fits(loaded, sample, truth, found, {str(arithmetic): errors})
                step.advance(1)
            if keep_truth:
                truths.append(_in_float64(truth))
    return NoiseFloor(tuple(measured), tuple(truths), frozenset(wide.operators), _left_out(wide, instead), fits)


def _measured(
    found: dict[str, float | None], errors: list[dict[str, float | None]], dtype: torch.dtype
) -> dict[str, Measured]:
    return {name: Measured(found[name], floor_of([each[name] for each in errors], dtype)) for name in found}


def is_own(variant: Emulation, wide: Widened) -> bool:
    """Whether a float32 model's forward on the CPU is this emulation: no convolution is computed by a transform."""
    shapes = wide.convolutions if variant.is_float32 else ()
    return variant.is_float32 and all(variant.arithmetic.of_convolution(each).algorithm == DIRECT for each in shapes)


def emulations(
    arithmetic: ArithmeticByClass, operators: Collection[str], outputs: Outputs, dtype: torch.dtype
) -> Iterator[Emulation]:
    """Those whose largest error is the floor of `outputs`, of a model that uses these classes of operators.

    Without fused attention among them, the ways of computing it make no difference.
    """
    every = Emulation(arithmetic).variants()
    if dtype != torch.float32:
        return _that_differ(islice(every, emulations_wanted(outputs, dtype)), operators)
    return islice(_that_differ(every, operators), emulations_wanted(outputs, dtype))


def further_emulations(arithmetic: ArithmeticByClass, dtype: torch.dtype) -> Iterator[Emulation]:
    """Those that a half typed output outside the floor of the others is held to as well.

    The errors of a deep half typed model have a heavy tail: one value of the few large ones that is rounded the other
    way moves all that follows. Of 10 orders of sums in a bfloat16 model of 30 layers the worst erred 3.3 times as much
    as the best.
    """
    return Emulation(arithmetic).other_orders() if dtype in HALF_TYPES else iter(())


def emulations_wanted(outputs: Outputs, dtype: torch.dtype) -> int:
    """How many, at the most. The smallest output decides: the error of a few elements may be small by chance.

    With two emulations 5 % of correct float32 devices were over three floors of a single score, 1 % of two or three.
    """
    if dtype != torch.float32:
        return EMULATIONS_OF_HALF_TYPES
    smallest = min((tensor.numel() for tensor in outputs.values() if tensor.numel()), default=LEAST_DRAWS)
    return min(MOST_EMULATIONS, max(LEAST_EMULATIONS, math.ceil(LEAST_DRAWS / smallest)))


def _that_differ(variants: Iterator[Emulation], operators: Collection[str]) -> Iterator[Emulation]:
    seen = set()
    for variant in variants:
        sort = (variant.blocked_sums, variant.last_bits, variant.fused_attention and "attention" in operators)
        if sort not in seen:
            seen.add(sort)
            yield variant


def worst_of(samples: tuple[dict[str, Measured], ...], output: str) -> Measured:
    """The sample that is furthest over its floor; one without figures first."""
    return max((sample[output] for sample in samples), key=_badness)


def with_floor(output: OutputComparison, samples: tuple[dict[str, Measured], ...]) -> OutputComparison:
    """The record of an output with its floor; as it is where it has none: it is not floating."""
    if output.name not in samples[0]:
        return output
    measured = worst_of(samples, output.name)
    return replace(
        output,
        float64_relative_l2=measured.error,
        noise_floor=measured.floor,
        error_over_floor=measured.over_floor,
    )


def forward_of(
    loaded: LoadedModel, sample: Sample, dtype: torch.dtype, context: AbstractContextManager[object]
) -> Outputs:
    with torch.inference_mode(), context:
        outputs = loaded.task.forward(loaded.module, sample.to(CPU, dtype))
    return with_infinities(outputs)


def truth_of(loaded: LoadedModel, sample: Sample, like: Outputs, wide: Widened) -> tuple[Outputs, LeftOutId | None]:
    """Every operator in `wide`, and what had to stand for that, if something had. In float64.

    Where the code does not bear it, a float64 copy of the model: a compiled or scripted part, say, insists on the types
    that it was made for. Where that fails too, or the outputs have other shapes than `like`, the model's own type.
    """
    instead: LeftOutId | None = None
    try:
        outputs = forward_of(loaded, sample, wide.dtype, wide)
    except Exception:  # noqa: BLE001 - whatever the model's code raises where it is given another type
        instead = "own-type-only"
        copied = dataclasses.replace(loaded, module=copy_to(loaded.module, CPU, torch.float64))
        try:
            outputs = forward_of(copied, sample, torch.float64, nullcontext())
        except Exception:  # noqa: BLE001
            instead = "no-float64"
            outputs = forward_of(loaded, sample, loaded.dtype, nullcontext())
    if {name: tensor.shape for name, tensor in outputs.items()} != {name: each.shape for name, each in like.items()}:
        instead = "other-shapes-in-float64"
        outputs = forward_of(loaded, sample, loaded.dtype, nullcontext())
    elif any(bool(outputs[name].isnan().any()) and not bool(tensor.isnan().any()) for name, tensor in like.items()):
        instead = "no-float64"  # its code takes a mask for float32, say, in which float64's least number is infinite
        outputs = forward_of(loaded, sample, loaded.dtype, nullcontext())
    return _in_float64(outputs), instead


def _in_float64(outputs: Outputs) -> Outputs:
    return {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in outputs.items()}


def _left_out(wide: Widened, instead: Iterable[LeftOutId]) -> tuple[Fact, ...]:
    """Where the truth is not in float64."""
    operators = tuple(wide.without_kernel)
    found = (left_out("truth-in-float32", operators=operators),) if operators else ()
    return (*found, *map(left_out, instead))


def errors_of(outputs: Outputs, truth: Outputs) -> dict[str, float | None]:
    """Of the floating outputs: whole numbers are compared exactly. None: not finite, or of another shape.

    Where a model computes how long its output is, as VITS does, coarser arithmetic may give another length.
    """
    floating = {name: tensor for name, tensor in truth.items() if tensor.is_floating_point()}
    return {
        name: compare_tensors(outputs[name], tensor).relative_l2 if outputs[name].shape == tensor.shape else None
        for name, tensor in floating.items()
    }


def floor_of(errors: list[float | None], dtype: torch.dtype) -> float | None:
    """The largest error, and at least what rounding the exact result to the run's type does: half of its roundoff."""
    known = [error for error in errors if error is not None]
    return max(*known, torch.finfo(dtype).eps / 4) if known else None


def _fits(
    loaded: LoadedModel,
    sample: Sample,
    truth: Outputs,
    found: dict[str, float | None],
    known: dict[str, list[dict[str, float | None]]],
) -> tuple[str, ...]:
    """Which arithmetics would show the errors found: `known`, what was emulated already, and the usual ones.

    Where float32 does, the finest of all, the others are not asked.
    """
    finest = {name: errors for name, errors in known.items() if name == CANDIDATES[0]}
    if explained := fitting(found, finest):
        return explained

    def emulated_errors(name: str) -> list[dict[str, float | None]]:
        if name in known:
            return known[name]
        emulated = forward_of(loaded, sample, loaded.dtype, emulate(Emulation(ArithmeticByClass.uniform(name))))
        return [errors_of(emulated, truth)]

    coarse = next((name for name in CANDIDATES[1:] if name in known), COARSE)
    predicted = predicted_errors(emulated_errors(CANDIDATES[0]), emulated_errors(coarse), coarse)
    return fitting(found, {**predicted, **known})


def _badness(measured: Measured) -> float:
    return float("inf") if measured.over_floor is None else measured.over_floor
