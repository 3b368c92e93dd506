"""What a device is asked and held to, on the CPU and its emulations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

import npu_adapt
from npu_adapt.devices.device import Device
from npu_adapt.devices.selection import open_device
from npu_adapt.errors import RunFailed
from npu_adapt.numerics import whole_number_calls
from npu_adapt.numerics.arithmetic import ARITHMETICS, ArithmeticByClass
from npu_adapt.numerics.emulation import Emulation, emulate
from npu_adapt.records import Fact
from npu_adapt.report.figures import Figures
from npu_adapt.report.sections.operators import judged
from npu_adapt.workflows.compare import probing
from npu_adapt.workflows.compare.probing import arithmetic_to_judge_at, probe, read_orders

MIXED = ArithmeticByClass(ARITHMETICS["float16"], ARITHMETICS["hf32"], ARITHMETICS["bfloat16"])


@pytest.fixture
def cpu() -> Device:
    return open_device("cpu", allow_cpu=True).device


def test_each_class_is_probed_by_itself(cpu: Device) -> None:
    probed = probe(cpu, torch.float32, lambda: emulate(Emulation(MIXED)))
    found = {operators: reading.arithmetic for operators, reading in probed.readings.items()}
    assert found == {"matmul": "float16", "conv": "hf32", "attention": "bfloat16"}
    assert probed.exp_overflows is False and probed.failures == {}
    assert [record.operators for record in probed.records()] == ["matmul", "conv", "attention"]


def test_auto_holds_to_what_was_found_and_to_no_coarser_than_may_be(cpu: Device) -> None:
    probed = probe(cpu, torch.float32, lambda: emulate(Emulation(MIXED)))
    held_to = arithmetic_to_judge_at(probed, "auto", torch.float32)
    assert str(held_to) == "matmul float16, conv hf32, attention float16"
    assert str(arithmetic_to_judge_at(probed, "float32", torch.float32)) == "float32"
    assert str(arithmetic_to_judge_at(probed, "bfloat16", torch.float32)) == "bfloat16"


class Convolving(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.convolution(x)


def test_what_is_too_large_to_be_asked_or_replayed_is_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MOST_ELEMENTS", 100)
    monkeypatch.setattr(whole_number_calls, "LEAST_ELEMENTS", 100)
    summary = npu_adapt.compare(Convolving(), {"x": torch.randn(1, 3, 8, 8)}, device="cpu")
    assert summary.compare is not None and summary.compare.verdict.passed
    assert summary.compare.operator_notes == (
        Fact("too-large-for-whole-numbers", {"operators": ("conv2d",)}),
        Fact("convolutions-too-large", {"convolutions": ("[1, 3, 8, 8] * [4, 3, 3, 3]",)}),
    )
    assert "too large to be asked for their algorithm, held to sums" in str(judged(Figures(summary, "en")))
    assert "未探测其算法" in str(judged(Figures(summary, "zh")))


class Without(TorchFunctionMode):
    """A device that has no fused attention."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message

    def __torch_function__(self, func: object, types: object, args: tuple = (), kwargs: dict | None = None) -> object:
        if func is F.scaled_dot_product_attention:
            raise RuntimeError(self.message)
        return func(*args, **(kwargs or {}))  # type: ignore[operator]


def test_a_class_that_cannot_be_probed_is_held_to_the_matrix_products(cpu: Device) -> None:
    probed = probe(cpu, torch.float32, lambda: Without("not implemented on this device"))
    assert "attention" not in probed.readings
    assert probed.failures == {"attention": "not implemented on this device"}
    assert str(arithmetic_to_judge_at(probed, "auto", torch.float32)) == "float32"


def test_a_device_that_gives_up_while_it_is_asked_ends_the_run(cpu: Device) -> None:
    with pytest.raises(RunFailed, match="out of memory"):
        probe(cpu, torch.float32, lambda: Without("NPU out of memory. Tried to allocate 40.00 GiB"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_half_type_is_held_to_itself(cpu: Device, dtype: torch.dtype) -> None:
    held_to = arithmetic_to_judge_at(probe(cpu, dtype), "auto", dtype)
    assert str(held_to) == str(dtype).removeprefix("torch.")


def test_a_layer_whose_width_was_computed_as_a_tensor_is_recorded():
    width = torch.tensor(8)
    orders = read_orders(open_device("cpu", allow_cpu=True).device, torch.float32, torch.nn.Linear(width, 2))
    assert [type(order.terms) for order in orders] == [int]
