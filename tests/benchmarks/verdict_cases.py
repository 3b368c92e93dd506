"""Models with one input each, everything about them that does not depend on the device computed once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Any

import torch
from torch import Tensor

from npu_adapt.devices.transfer import copy_to
from npu_adapt.models.loading import load_model
from npu_adapt.models.request import ModelRequest
from npu_adapt.models.tasks import LoadedModel, Sample
from npu_adapt.numerics.arithmetic import Arithmetic, ArithmeticByClass
from npu_adapt.numerics.bits import all_same_bits
from npu_adapt.numerics.capture import Call, Kernel, capturing
from npu_adapt.numerics.emulation import emulate
from npu_adapt.numerics.judgement import OperatorReading, is_sure, judge_by, measures
from npu_adapt.numerics.metrics import compare_tensors
from npu_adapt.numerics.operators import Kind, kind_of
from npu_adapt.numerics.repeats import Repeated
from npu_adapt.numerics.rules import FLOOR_MARGIN
from npu_adapt.numerics.truth import Widened, wide_enough
from npu_adapt.numerics.whole_number_calls import WholeNumberCalls
from npu_adapt.progress import Silent
from npu_adapt.workflows.compare.alone import arithmetic_of
from npu_adapt.workflows.compare.floor import emulations, further_emulations, is_own
from npu_adapt.workflows.models.fetch import fetch
from tests.benchmarks.verdict_devices import SoftDevice
from tests.real_models import store

Outputs = Mapping[str, Tensor]
TEXTS = (
    "The river runs quietly to the sea.",
    "A dog jumped over the lazy fox, and nobody in the village was surprised any more.",
    "Measured figures are worth more than opinions; a verdict that cannot be checked is an opinion with a stamp on it.",
)


def _picture(name: str) -> str:
    return str(resources.files("sklearn.datasets") / "images" / f"{name}.jpg")


@dataclass(frozen=True)
class Subject:
    """One model, attention and input."""

    part: str  # of the table
    name: str
    model: str  # a key of the store, or builtin:…
    attention: str
    inputs: tuple[str, ...] = ()
    forms: int | None = None  # that are drawn; None: all
    faults: int = 3  # of each
    side: int | None = None  # pictures are brought to this size; None: as the processor gives them
    dtype: str = "float32"

    @property
    def element_type(self) -> torch.dtype:
        found: torch.dtype = getattr(torch, self.dtype)
        return found


CHOSEN_ON, ENCODERS, SMOLLM2, HALVES = (
    "margins chosen on: digits-vit, MiniLM",
    "MiniLM, DINOv2, digits-vit",
    "SmolLM2, 30 layers",
    "half types",
)
SUBJECTS: tuple[Subject, ...] = (
    Subject(CHOSEN_ON, "digits-vit, sdpa", "builtin:digits-vit", "sdpa"),
    Subject(CHOSEN_ON, "MiniLM, eager, short", "minilm", "eager", TEXTS[:1], forms=40),
    Subject(ENCODERS, "digits-vit, eager", "builtin:digits-vit", "eager", (_picture("flower"),)),
    Subject(ENCODERS, "digits-vit, sdpa, picture", "builtin:digits-vit", "sdpa", (_picture("china"),)),
    Subject(ENCODERS, "MiniLM, sdpa, long", "minilm", "sdpa", TEXTS[2:], forms=40),
    Subject(ENCODERS, "MiniLM, eager, middle", "minilm", "eager", TEXTS[1:2], forms=40),
    Subject(ENCODERS, "DINOv2-small, sdpa", "dinov2-small", "sdpa", (_picture("china"),), forms=40, side=70),
    Subject(ENCODERS, "DINOv2-small, eager", "dinov2-small", "eager", (_picture("flower"),), forms=40, side=56),
    Subject(SMOLLM2, "SmolLM2, sdpa", "smollm2", "sdpa", TEXTS[:1], forms=16, faults=8),
    Subject(SMOLLM2, "SmolLM2, eager, bfloat16", "smollm2", "eager", TEXTS[:1], forms=4, faults=8, dtype="bfloat16"),
    Subject(HALVES, "MiniLM, sdpa, short, bfloat16", "minilm", "sdpa", TEXTS[:1], faults=6, dtype="bfloat16"),
    Subject(HALVES, "MiniLM, eager, middle, float16", "minilm", "eager", TEXTS[1:2], faults=6, dtype="float16"),
    Subject(
        HALVES,
        "digits-vit, sdpa, float16",
        "builtin:digits-vit",
        "sdpa",
        (_picture("china"),),
        faults=6,
        dtype="float16",
    ),
    Subject(HALVES, "digits-vit, eager, bfloat16", "builtin:digits-vit", "eager", faults=6, dtype="bfloat16"),
    Subject(
        HALVES,
        "DINOv2-small, sdpa, float16",
        "dinov2-small",
        "sdpa",
        (_picture("china"),),
        faults=6,
        side=56,
        dtype="float16",
    ),
)


def _key(arithmetic: ArithmeticByClass | Arithmetic) -> str:
    """What floors and bounds of one arithmetic are kept by."""
    if isinstance(arithmetic, ArithmeticByClass):
        return ", ".join(map(_key, arithmetic))
    between = torch.tensor([1.0 + 2.0 ** -(arithmetic.mantissa_bits + 1)])  # two operands: a tie
    split = [part.item() for part in arithmetic.split(between)]
    return f"{arithmetic.name} {arithmetic.mantissa_bits} {split} {arithmetic.truncates} {arithmetic.truncating_sums}"


@dataclass
class Case:
    """A loaded subject: its calls on the CPU, the exact outputs, floors and error_bounds."""

    subject: Subject
    loaded: LoadedModel
    sample: Sample
    _floors: dict[str, dict[str, float]] = field(default_factory=dict)
    _measures: dict[tuple[int, str, bool], tuple[Any, ...]] = field(default_factory=dict)
    _whole: WholeNumberCalls = field(default_factory=WholeNumberCalls)

    @classmethod
    def of(cls, subject: Subject) -> Case:
        builtin = subject.model.startswith("builtin")
        model = subject.model if builtin else str(store.model(subject.model))
        loaded = load_model(
            fetch(ModelRequest(model=model, offline=True), Silent()),
            task=None,
            dtype=subject.dtype,
            attention=subject.attention,
            trust_remote_code=False,
            allow_pickle=False,
            progress=Silent(),
        )
        (sample,) = loaded.task.prepare(loaded, subject.inputs, 1, 0)
        if subject.side is not None:
            pixels = torch.nn.functional.interpolate(sample.tensors["pixel_values"], (subject.side,) * 2)
            sample = Sample({**sample.tensors, "pixel_values": pixels}, sample.inputs)
        return cls(subject, loaded, sample)

    def forward(
        self,
        context: AbstractContextManager[object],
        dtype: torch.dtype | None = None,  # of the input; None: the model's
        watch: Repeated | None = None,
    ) -> Outputs:
        watched = nullcontext() if watch is None else watch.watching(self.loaded.module)
        tensors = self.sample.to(torch.device("cpu"), dtype or self.subject.element_type)
        with torch.inference_mode(), context, watched:
            return self.loaded.task.forward(self.loaded.module, tensors)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls of the CPU's forward, with copies of what they were given."""
        weights = {weight.data_ptr() for weight in self.loaded.module.parameters()}
        kept: list[Call] = []

        def copied(leaf: Any) -> Any:
            return leaf.clone() if isinstance(leaf, Tensor) and leaf.data_ptr() not in weights else leaf

        def keep(call: Call) -> None:
            output = call.output.clone() if isinstance(call.output, Tensor) else call.output
            kept.append(Call(**{**vars(call.with_arguments(copied)), "output": output}))

        tensors = self.sample.to(torch.device("cpu"), self.subject.element_type)
        with torch.inference_mode(), capturing(self.loaded.module, keep):
            self.loaded.task.forward(self.loaded.module, tensors)
        return tuple(kept)

    @cached_property
    def _first_of_kernels(self) -> frozenset[int]:
        first: dict[Kernel, int] = {}
        for call in self.calls:
            first.setdefault(call.kernel, call.index)
        return frozenset(first.values())

    @cached_property
    def reference(self) -> Outputs:
        """The CPU's, in float32 as `compare` takes it."""
        module = self.loaded.module
        if self.subject.element_type != torch.float32:
            module = copy_to(module, torch.device("cpu"), torch.float32)
        with torch.inference_mode():
            return self.loaded.task.forward(module, self.sample.to(torch.device("cpu"), torch.float32))

    @cached_property
    def _wide(self) -> tuple[Outputs, Widened]:
        mode = wide_enough(self.subject.element_type)
        return {name: tensor.double() for name, tensor in self.forward(mode, mode.dtype).items()}, mode

    @property
    def truth(self) -> Outputs:
        return self._wide[0]

    def floors(self, arithmetic: ArithmeticByClass) -> dict[str, float]:
        """The end-to-end floor of each output: the largest error of the arithmetic's emulations."""
        key = _key(arithmetic)
        if key not in self._floors:
            truth, wide = self._wide
            chosen = emulations(arithmetic, wide.operators, truth, self.subject.element_type)
            in_float32 = self.subject.element_type == torch.float32
            emulated = (
                self.reference if in_float32 and is_own(each, wide) else self.forward(emulate(each)) for each in chosen
            )
            errors = [self.errors(each) for each in emulated]
            least = torch.finfo(self.subject.element_type).eps / 4
            self._floors[key] = {name: max(least, *(e[name] for e in errors)) for name in self.truth}
        return self._floors[key]

    def errors(self, outputs: Outputs) -> dict[str, float]:
        """Relative L2 against float64 of each output; infinite where one side is not finite."""
        found = {name: compare_tensors(outputs[name], self.truth[name]).relative_l2 for name in self.truth}
        return {name: float("inf") if error is None else error for name, error in found.items()}

    def over_floor(self, outputs: Outputs, arithmetic: ArithmeticByClass) -> float:
        """The worst output's error over its floor, which further emulations raise where it is outside."""
        errors, floors = self.errors(outputs), self.floors(arithmetic)
        over = max(error / floors[name] for name, error in errors.items())
        if over <= FLOOR_MARGIN:
            return over
        raised = self._raised_floors(arithmetic)
        return max(error / raised[name] for name, error in errors.items())

    def _raised_floors(self, arithmetic: ArithmeticByClass) -> dict[str, float]:
        key = f"raised {_key(arithmetic)}"
        if key not in self._floors:
            further = further_emulations(arithmetic, self.subject.element_type)
            errors = [self.floors(arithmetic), *(self.errors(self.forward(emulate(each))) for each in further)]
            self._floors[key] = {name: max(each[name] for each in errors) for name in self.truth}
        return self._floors[key]

    def effect(self, wrong: Outputs, right: Outputs, arithmetic: ArithmeticByClass) -> float:
        """How far a fault moves the worst output, in floors."""
        floors = self.floors(arithmetic)
        moved = {name: compare_tensors(wrong[name], right[name]).relative_l2 for name in floors}
        return max(float("inf") if each is None else each / floors[name] for name, each in moved.items())

    def reading(self, call: Call, results: tuple[Tensor, ...], arithmetic: ArithmeticByClass) -> OperatorReading:
        """The verdict on one call alone; its error_bounds are made once for each arithmetic."""
        own = arithmetic_of(call, arithmetic)
        depends = kind_of(call.operator) in (Kind.PRODUCT, Kind.ATTENTION)
        sure = is_sure(call, results, own)
        key = (call.index, _key(own) if depends else "", sure)
        if key not in self._measures:
            self._measures[key] = tuple(measures(call, own, sure=sure))
        return judge_by(self._measures[key], call, results)

    def not_whole(self, call: Call, device: SoftDevice) -> bool:
        """Whether the call's replay of whole numbers is wrong on a device.

        Where its result has the CPU's bits, it is replayed so only if it is the first call of its kernel.
        """
        if call.index not in self._first_of_kernels and self.has_own_bits(call, device):
            return False
        whole = self._whole.of(call)
        return whole is not None and whole.broken(device.replay(whole.call)) is not None

    def has_own_bits(self, call: Call, device: SoftDevice) -> bool:
        """Whether a device's replay has the CPU's own bits, and is not repeated then."""
        return all_same_bits(device.replay(call), call.outputs)

    def readings(self, device: SoftDevice, arithmetic: ArithmeticByClass) -> list[OperatorReading]:
        """Every call alone on a device, which is held to the arithmetic."""
        return [self.reading(call, device.replay(call), arithmetic) for call in self.calls if not call.random]
