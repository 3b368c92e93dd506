"""How the verdict takes devices that convolve by a transform: Winograd's two forms and the Fourier transform.

    python -m tests.benchmarks.verdict_convolutions [--seed 0] [--workers 2]

A ResNet, a ConvNeXt, a MobileNetV2 and a U-Net run on software devices in five types of arithmetic, whose 3x3
convolutions are sums of products or transforms. None of these devices is wrong. Then one convolution of each is.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from random import Random
from types import SimpleNamespace
from typing import Any

if __name__ in ("__main__", "__mp_main__"):  # tests that import this have an environment of their own
    os.environ |= {"OMP_NUM_THREADS": "1", "TORCH_DEVICE_BACKEND_AUTOLOAD": "0", "HF_HUB_OFFLINE": "1"}
sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # see tests/conftest.py

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402, N812
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from npu_adapt.devices.selection import open_device  # noqa: E402
from npu_adapt.models.tasks import Sample  # noqa: E402
from npu_adapt.numerics.arithmetic import ArithmeticByClass  # noqa: E402
from npu_adapt.numerics.capture import Call, capturing  # noqa: E402
from npu_adapt.numerics.convolution import shape_of  # noqa: E402
from npu_adapt.numerics.emulation import Emulation  # noqa: E402
from npu_adapt.progress import Silent  # noqa: E402
from npu_adapt.workflows.compare.alone import judge_operators  # noqa: E402
from npu_adapt.workflows.compare.floor import measure_floor  # noqa: E402
from npu_adapt.workflows.compare.probing import Convolutions, probe  # noqa: E402
from tests.benchmarks.verdict_devices import CallsInOrder, Form, SoftDevice  # noqa: E402
from tests.benchmarks.verdict_faults import FAULTS  # noqa: E402
from tests.benchmarks.verdict_transforms import TRANSFORMS  # noqa: E402

ARITHMETICS = ("float32", "hf32", "tf32", "float16", "bfloat16")  # the last two are the model's own type
LIMIT = 3.0  # floors, end to end
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
class Run:
    model: str
    arithmetic: str
    transform: str  # "direct": none
    fault: str  # empty: the device is correct
    over_floor: float  # end to end
    failed: tuple[str, ...]  # operators, with the test
    recognised: tuple[str, ...]  # algorithms of the 3x3 convolutions
    changed: bool = False  # whether the fault made any difference
    named_right: bool | None = None  # whether the first operator that failed is the wrong one; None: none failed

    @property
    def alarm(self) -> bool:
        return bool(self.failed) or self.over_floor > LIMIT


@dataclass(frozen=True)
class _Pixels:
    """As much of a task as a forward needs."""

    def forward(self, module: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"last_hidden_state": module(**tensors)}


def examine(model: str, arithmetic: str, transform: str, faults: int, seed: int) -> list[Run]:
    """The correct device and `faults` faulty ones, of which one 3x3 convolution is wrong."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    dtype = getattr(torch, arithmetic, torch.float32)
    module = MODELS[model]().eval().to(dtype)
    sample = Sample({"pixel_values": torch.randn(1, 3, SIDE, SIDE)}, ())
    loaded: Any = SimpleNamespace(module=module, dtype=dtype, task=_Pixels())
    chosen = None if transform == "direct" else transform
    form = Form(
        transform, Emulation(ArithmeticByClass.uniform(arithmetic), blocked_sums=bool(seed % 2)), transform=chosen
    )
    rng = Random(f"{model} {arithmetic} {transform} {seed}")
    runs = [_run(loaded, sample, form, (model, arithmetic, transform))]
    places = _convolutions(loaded, sample)
    kinds = [kind for kind in FAULTS if "conv2d" in kind.operators and kind.family != "precision"]
    for _ in range(faults if places else 0):
        kind = rng.choice(kinds)
        about = (model, arithmetic, transform)
        runs.append(_run(loaded, sample, form, about, kind.name, kind.draw(rng), rng.choice(places)))
    return [run for run in runs if run.changed or not run.fault]


def _convolutions(loaded: Any, sample: Sample) -> list[int]:
    """Positions of the 3x3 convolutions among the calls of a forward."""
    found: list[int] = []

    def see(call: Call) -> None:
        shape = shape_of(call.operator, call.args, call.kwargs)
        if shape is not None and shape.filters[2:] == (3, 3):
            found.append(call.index)

    tensors = sample.to(torch.device("cpu"), loaded.dtype)
    with torch.inference_mode(), capturing(loaded.module, see):
        loaded.task.forward(loaded.module, tensors)
    return found


def _run(
    loaded: Any,
    sample: Sample,
    form: Form,
    about: tuple[str, str, str],
    name: str = "",
    fault: Any = None,
    at: int = -1,
) -> Run:
    device = open_device("cpu", allow_cpu=True).device
    soft = SoftDevice(form, fault, at)
    tensors = sample.to(torch.device("cpu"), loaded.dtype)
    with torch.inference_mode(), soft.forward():
        found = loaded.task.forward(loaded.module, tensors)
    correct = SoftDevice(form)  # a fault befalls one call of the model, which the probe is none of
    reading = probe(device, loaded.dtype, correct.forward).readings["conv"]
    convolutions = Convolutions(device, loaded.dtype, reading.emulated() or form.arithmetic.conv, correct.forward)
    arithmetic = replace(form.arithmetic, algorithm_of=convolutions.algorithm_of)
    floor = measure_floor(loaded, (sample,), (found,), arithmetic, Silent(), explain=False, keep_truth=False)
    calls = CallsInOrder()
    judged = judge_operators(
        loaded.module,
        device,
        (sample,),
        loaded.task,
        dtype=loaded.dtype,
        arithmetic=arithmetic,
        progress=calls,
        candidate_context=lambda: soft.replaying(calls.current),
    )
    over = [each.over_floor for each in floor.samples[0].values()]
    return Run(
        *about,
        name,
        max(float("inf") if each is None else each for each in over),
        tuple(f"{each.module} {each.operator}: {each.test}" for each in judged.findings),
        tuple(sorted({each.algorithm for each in convolutions.records()})),
        soft.fired > 0,
        judged.findings[0].index == at if judged.findings else None,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=int, default=4, help="of each device")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    started = time.perf_counter()
    devices = [
        (m, a, t, options.faults, options.seed) for m in MODELS for a in ARITHMETICS for t in ("direct", *TRANSFORMS)
    ]
    with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
        runs = [run for several in pool.map(examine, *zip(*devices, strict=True)) for run in several]
    show(runs)
    print(f"{time.perf_counter() - started:.0f} s, {options.workers} workers, torch {torch.__version__}")
    return 1 if any(run.alarm for run in runs if not run.fault) else 0


def show(runs: list[Run]) -> None:
    console = Console(width=120)
    table = Table(title="convolutions by sums and by transforms")
    for heading in (
        "3x3 convolutions",
        "recognised as",
        "false alarms",
        "faults caught",
        "named right",
        "worst, floors",
    ):
        table.add_column(heading)
    for transform in dict.fromkeys(run.transform for run in runs):
        own = [run for run in runs if run.transform == transform]
        correct, faulty = [run for run in own if not run.fault], [run for run in own if run.fault]
        found = sorted({name for run in correct for name in run.recognised})
        caught = [run for run in faulty if run.alarm]
        table.add_row(
            transform,
            ", ".join(found) or "direct",
            f"{sum(run.alarm for run in correct)} of {len(correct)}",
            f"{len(caught)} of {len(faulty)}",
            f"{sum(bool(run.named_right) for run in caught)} of {len(caught)}",
            f"{max(run.over_floor for run in correct):.2f}",
        )
    console.print(table)
    for run in runs:
        if run.alarm and not run.fault:
            console.print(f"false alarm: {run}")
        if run.fault and not run.alarm:
            console.print(f"missed: {run.model}, {run.arithmetic}, {run.transform}: {run.fault}")


if __name__ == "__main__":
    sys.exit(main())
