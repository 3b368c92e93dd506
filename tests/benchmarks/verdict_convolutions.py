"""How the verdict takes devices that convolve by a transform: Winograd's two forms and the Fourier transform.

A ResNet, a ConvNeXt, a MobileNetV2 and a U-Net run on software devices in five types of arithmetic, whose 3x3
convolutions are sums of products or transforms. None of these devices is wrong. Then one convolution of each is, by no
fault of precision: what a transform loses is more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from random import Random
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from npu_adapt.devices.selection import open_device
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.arithmetic import DIRECT, ArithmeticByClass
from npu_adapt.numerics.capture import Call, capturing
from npu_adapt.numerics.emulation import Emulation
from npu_adapt.numerics.whole_numbers import TEST, of_whole_numbers
from npu_adapt.progress import Silent
from npu_adapt.records import OperatorFinding
from npu_adapt.workflows.compare.alone import arithmetic_of, judge_operators
from npu_adapt.workflows.compare.floor import NoiseFloor, errors_of, measure_floor
from npu_adapt.workflows.compare.probing import Convolutions, probe
from npu_adapt.workflows.run.forward import Outputs
from tests.benchmarks.verdict_devices import CallsInOrder, Fault, Form, SoftDevice
from tests.benchmarks.verdict_faults import FAULTS, Kind
from tests.benchmarks.verdict_runs import LIMIT, Found, Run
from tests.benchmarks.verdict_transforms import TRANSFORMS

PART = "convolutions: ResNet, ConvNeXt, MobileNetV2, U-Net"
ARITHMETICS = ("float32", "hf32", "tf32", "float16", "bfloat16")  # the last two are the model's own type
WAYS = ("direct", *TRANSFORMS)
SIDE = 48  # of the pictures


class UNet(nn.Module):
    """Two levels down and up again, with the connections across that give it its name."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.into, self.down = _two(3, width), _two(width, 2 * width)
        self.bottom, self.up = _two(2 * width, 4 * width), nn.ConvTranspose2d(4 * width, 2 * width, 2, 2)
        self.joined, self.up_again = _two(4 * width, 2 * width), nn.ConvTranspose2d(2 * width, width, 2, 2)
        self.out = nn.Sequential(_two(2 * width, width), nn.Conv2d(width, 4, 1))

    def forward(self, pixel_values: Tensor) -> Tensor:
        first = self.into(pixel_values)
        second = self.down(F.max_pool2d(first, 2))
        third = self.up(self.bottom(F.max_pool2d(second, 2)))
        joined = self.up_again(self.joined(torch.cat([second, third], 1)))
        result: Tensor = self.out(torch.cat([first, joined], 1))
        return result


def _two(before: int, after: int) -> nn.Sequential:
    layers = (nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(4, after), nn.SiLU())
    return nn.Sequential(*layers, nn.Conv2d(after, after, 3, padding=1), nn.SiLU())


class _Last(nn.Module):
    """A model of transformers, of which the last hidden state is taken."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        result: Tensor = self.model(pixel_values=pixel_values).last_hidden_state
        return result


def _resnet() -> nn.Module:
    from transformers import ResNetConfig, ResNetModel

    sizes = [32, 64, 128]
    config = ResNetConfig(embedding_size=32, hidden_sizes=sizes, depths=[2, 2, 2], layer_type="basic")
    return _Last(ResNetModel(config))


def _convnext() -> nn.Module:
    from transformers import ConvNextConfig, ConvNextModel

    return _Last(ConvNextModel(ConvNextConfig(hidden_sizes=[32, 64], depths=[2, 2], num_stages=2)))


def _mobilenet() -> nn.Module:
    from transformers import MobileNetV2Config, MobileNetV2Model

    return _Last(MobileNetV2Model(MobileNetV2Config(depth_multiplier=0.35, image_size=SIDE)))


MODELS: Mapping[str, Callable[[], nn.Module]] = {
    "ResNet": _resnet,
    "ConvNeXt": _convnext,
    "MobileNetV2": _mobilenet,
    "U-Net": UNet,
}


@dataclass(frozen=True)
class _Pixels:
    """As much of a task as a forward needs."""

    def forward(self, module: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"last_hidden_state": module(**tensors)}


@dataclass
class Convolving:
    """A correct device that convolves in one way, on one model, and what of it the faulty ones share."""

    model: str
    arithmetic: str
    way: str
    seed: int

    @cached_property
    def loaded(self) -> Any:
        torch.manual_seed(self.seed)
        dtype = getattr(torch, self.arithmetic, torch.float32)
        return SimpleNamespace(module=MODELS[self.model]().eval().to(dtype), dtype=dtype, task=_Pixels())

    @cached_property
    def sample(self) -> Sample:
        generator = torch.Generator().manual_seed(self.seed)
        return Sample({"pixel_values": torch.randn(1, 3, SIDE, SIDE, generator=generator)}, ())

    @cached_property
    def form(self) -> Form:
        transform = None if self.way == "direct" else self.way
        emulation = Emulation(ArithmeticByClass.uniform(self.arithmetic), blocked_sums=bool(self.seed % 2))
        return Form(f"{self.arithmetic}, {self.way}", emulation, transform=transform)

    @cached_property
    def _convolutions(self) -> Convolutions:
        device, correct = open_device("cpu", allow_cpu=True).device, SoftDevice(self.form)
        reading = probe(device, self.loaded.dtype, correct.forward).readings["conv"]
        found = reading.emulated() or self.form.arithmetic.conv
        return Convolutions(device, self.loaded.dtype, found, correct.forward)

    @cached_property
    def found(self) -> ArithmeticByClass:
        """What the device is held to, as it was asked for it. A fault befalls one call of the model, no probe."""
        return replace(self.form.arithmetic, algorithm_of=self._convolutions.algorithm_of)

    @property
    def recognised(self) -> set[str]:
        return {each.algorithm for each in self._convolutions.records()}

    @cached_property
    def outputs(self) -> Outputs:
        return self.forward(SoftDevice(self.form))

    @cached_property
    def floor(self) -> NoiseFloor:
        return measure_floor(
            self.loaded, (self.sample,), (self.outputs,), self.found, Silent(), explain=False, keep_truth=True
        )

    @cached_property
    def places(self) -> list[Call]:
        """The model's convolutions."""
        kept: list[Call] = []
        tensors = self.sample.to(torch.device("cpu"), self.loaded.dtype)
        with torch.inference_mode(), capturing(self.loaded.module, kept.append):
            self.loaded.task.forward(self.loaded.module, tensors)
        return [call for call in kept if call.operator == "conv2d"]

    def forward(self, soft: SoftDevice) -> Outputs:
        tensors = self.sample.to(torch.device("cpu"), self.loaded.dtype)
        with torch.inference_mode(), soft.forward():
            outputs: Outputs = self.loaded.task.forward(self.loaded.module, tensors)
        return outputs

    def over_floor(self, outputs: Outputs, truth: Outputs) -> float:
        """How far the worst output is from `truth`, in floors."""
        floors = {name: each.floor or 0.0 for name, each in self.floor.samples[0].items()}
        moved = errors_of(outputs, truth)
        return max(
            float("inf") if error is None or not floors[name] else error / floors[name] for name, error in moved.items()
        )

    def failing(self, soft: SoftDevice) -> tuple[OperatorFinding, ...]:
        """What fails of the device's operators, by the whole path."""
        calls = CallsInOrder()
        return judge_operators(
            self.loaded.module,
            open_device("cpu", allow_cpu=True).device,
            (self.sample,),
            self.loaded.task,
            dtype=self.loaded.dtype,
            arithmetic=self.found,
            progress=calls,
            candidate_context=lambda: soft.replaying(calls.current),
        ).findings

    def not_whole(self, call: Call, soft: SoftDevice) -> bool:
        """Whether the replay of whole numbers is wrong, of a convolution that sums products."""
        if arithmetic_of(call, self.found).algorithm != DIRECT:
            return False
        whole = of_whole_numbers(call)
        with torch.inference_mode():
            return whole is not None and whole.broken(soft.replay(whole.call)) is not None

    def run(self, kind: Kind | None = None, fault: Fault | None = None, at: int = -1) -> Run | None:
        """What the correct device, or one with the fault, comes to. None: the fault changes nothing, or fits not."""
        soft = SoftDevice(self.form, fault, at)
        try:
            outputs = self.forward(soft)
        except (RuntimeError, IndexError, TypeError):
            return None
        if kind is not None and not soft.fired:
            return None
        findings = self.failing(soft)
        over_floor = self.over_floor(outputs, self.floor.truth[0])
        alarms = {
            "operators": any(each.test != TEST for each in findings),
            "whole numbers": any(self.not_whole(call, soft) for call in self.places if at in (-1, call.index)),
            "end to end": over_floor > LIMIT,
        }
        alarms["combination"] = bool(findings) or alarms["end to end"]
        return Run(
            PART,
            self.model,
            self.form.name,
            "" if kind is None else kind.name,
            "" if kind is None else kind.family,
            0.0 if kind is None else self.over_floor(outputs, self.outputs),
            alarms,
            over_floor,
            None if kind is None or not findings else findings[0].index == at,
            "; ".join(f"{each.index} {each.module} {each.operator}: {each.test}" for each in findings[:3]),
        )

    def faulty(self, count: int) -> Iterator[Run]:
        """As many faulty ones, of which one convolution is wrong."""
        rng = Random(f"{self.model} {self.arithmetic} {self.way} {self.seed}")
        kinds = [kind for kind in FAULTS if "conv2d" in kind.operators and kind.family != "precision"]
        made = (self.run(kind, kind.draw(rng), rng.choice(self.places).index) for kind in rng.sample(kinds, len(kinds)))
        return islice((run for run in made if run is not None), count)


def examine(model: str, arithmetic: str, way: str, faults: int, seed: int) -> Found:
    """The correct device, and the faulty ones made of it."""
    started = time.perf_counter()
    device = Convolving(model, arithmetic, way, seed)
    correct = device.run()
    assert correct is not None
    return Found((correct, *device.faulty(faults)), seconds=time.perf_counter() - started)
