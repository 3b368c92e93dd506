"""The operators of small models on devices that are right, and on devices of which one operator is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from npu_adapt.devices.selection import open_device
from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.arithmetic import ARITHMETICS, ArithmeticByClass
from npu_adapt.numerics.capture import Call
from npu_adapt.numerics.emulation import emulate
from npu_adapt.numerics.whole_number_calls import WholeNumberCalls
from npu_adapt.progress import Silent
from npu_adapt.records import Fact
from npu_adapt.workflows.compare.alone import Operators, judge_operators, judge_replayed, moved
from tests.workflows.compare.faulty_models import FLOAT32, HF32, IDS, Faulty, Model, OneTask

CPU = torch.device("cpu")


def judged(
    context: Callable[[], Any],
    model: nn.Module | None = None,
    arithmetic: ArithmeticByClass = FLOAT32,
    samples: int = 1,
) -> Operators:
    sample = Sample({"ids": IDS}, ())
    return judge_operators(
        (model or Model()).eval(),
        open_device("cpu", allow_cpu=True).device,
        (sample,) * samples,
        OneTask(),  # type: ignore[arg-type]
        dtype=torch.float32,
        arithmetic=arithmetic,
        progress=Silent(),
        candidate_context=context,
    )


def on_faulty(fault: Faulty, **options: Any) -> Operators:
    result = judged(lambda: fault, **options)
    assert fault.fired, "the fault did not fire"
    return result


def test_the_cpu_itself_passes_and_every_call_is_judged():
    result = judged(lambda: emulate(ARITHMETICS["float32"]))
    assert result.findings == ()
    assert result.judged > 50
    assert result.notes == ()
    assert result.depth is not None
    assert (
        max(error / floor for error, floor in zip(result.depth.isolated, result.depth.isolated_floor, strict=True)) < 1
    )
    assert "layers.3.down" in result.depth.module


def test_an_hf32_device_passes_as_hf32_and_fails_as_float32():
    assert judged(lambda: emulate(ARITHMETICS["hf32"]), arithmetic=HF32).findings == ()
    suspect = judged(lambda: emulate(ARITHMETICS["hf32"])).first_suspect
    assert suspect is not None
    assert (suspect.module, suspect.operator, suspect.test) == ("layers.0", "scaled_dot_product_attention", "rms")


@pytest.mark.parametrize(
    ("fault", "module", "operator", "test"),
    [
        (
            Faulty(F.linear, lambda y: y * 1.001, 6, 2),  # the first call of a kernel with whole numbers too
            "layers.2.up",
            "linear",
            "rms",
        ),
        (Faulty(F.gelu, lambda y: y + 1e-3, 1, 2), "layers.1", "gelu", "rms"),
        (Faulty(F.layer_norm, lambda y: y.flip(1), 2, 2), "layers.1.norm", "layer_norm", "rms"),
        (Faulty(F.embedding, lambda y: y.nextafter(y + 1)), "embed", "embedding", "exact"),
        (Faulty(Tensor.gt, lambda y: ~y), "Model", "gt", "exact"),
        (Faulty(Tensor.add_, lambda y: y.mul_(2.0)), "Model", "add", "row"),
        (Faulty(Tensor.transpose, lambda y: y.flip(2)), "layers.0", "transpose", "exact"),
        (
            Faulty(F.linear, lambda y: y.where(torch.arange(y.size(1))[:, None] != 3, y.roll(1, 1)), 4, 2),
            "layers.1.up",
            "linear",
            "row",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_wrong_operator_is_named(fault, module, operator, test):
    suspect = on_faulty(fault).first_suspect
    assert suspect is not None
    assert suspect.operator == operator
    assert not module or suspect.module == module
    assert not test or suspect.test == test


def test_a_call_that_does_not_repeat_itself():
    findings = on_faulty(Faulty(F.gelu, lambda y: y + 1e-9 * y.abs(), 1, 1)).findings
    assert findings == ()  # less than the last bit: nothing changed
    findings = on_faulty(Faulty(F.gelu, lambda y: y.nextafter(y + 1), 1, 1)).findings
    assert [(each.module, each.operator, each.test) for each in findings] == [("layers.1", "gelu", "repeat")]


def test_one_element_under_the_floor_of_hf32_is_found_by_what_is_left():
    class OneElement(Faulty):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            with emulate(ARITHMETICS["hf32"]):
                return super().__torch_function__(func, types, args, kwargs)

    def wrong(y: Tensor) -> Tensor:
        y[0, 3, 7] += 2e-4
        return y

    six = Model(layers=6)  # five of six calls of a kernel follow its prediction: enough to believe it
    findings = on_faulty(OneElement(F.linear, wrong, 12, 2), model=six, arithmetic=HF32).findings
    assert [(each.operator, each.test, each.worst_index) for each in findings] == [("linear", "residual", (0, 3, 7))]


def test_a_product_that_only_whole_numbers_show():
    """A kernel that leaves out one element where nothing else would be seen: it writes it in the first replay."""
    findings = on_faulty(Faulty(F.linear, lambda y: y * (y != y.amax()), 1, 1)).findings
    assert [(each.module, each.test) for each in findings] == [("layers.0.up", "whole-numbers")]


@pytest.mark.parametrize(("other_bits", "replays"), [(False, [2, 1, 1]), (True, [3, 3, 3])])
def test_what_has_the_cpus_bits_is_not_replayed_again(other_bits, replays):
    """But for whole numbers of the first call of a kernel: it was computed twice, and is right in every element."""
    x, weight = torch.randn(6, 40), torch.randn(8, 40)
    call = Call(0, "up", "linear", F.linear, (x, weight), {}, F.linear(x, weight))
    seen: list[Call] = []

    def replay(given: Call) -> tuple[Tensor, ...]:
        seen.append(given)
        result = given.again(lambda leaf: leaf)
        return (result * (1 + 2.0**-23 * (result.frac() != 0)) if other_bits else result,)

    exactly = WholeNumberCalls()
    for expected in replays:
        seen.clear()
        assert judge_replayed(call, replay, FLOAT32, exactly).broken is None
        assert len(seen) == expected


def test_samples_are_judged_each():
    fault = Faulty(F.gelu, lambda y: y * 1.01, 4, 2)
    findings = on_faulty(fault, samples=2).findings
    assert [(each.sample, each.operator) for each in findings] == [(1, "gelu")]


def test_dropout_left_on_is_said_and_not_judged():
    result = judged(lambda: emulate(ARITHMETICS["float32"]), Model(dropout=0.1))
    assert result.random == ("Model (dropout)",)
    assert result.notes == (Fact("random-numbers", {"operators": ("Model (dropout)",)}),)
    assert result.findings == ()


def test_a_nan_of_the_reference_is_said_with_its_operator():
    model = Model()
    model.layers[1].up.bias.data[3] = float("nan")
    result = judged(lambda: emulate(ARITHMETICS["float32"]), model)
    assert result.notes == (Fact("reference-nan", {"module": "layers.1.up", "operator": "linear"}),)
    assert result.findings == ()


def test_a_model_in_bfloat16():
    model = Model().to(torch.bfloat16)
    result = judge_operators(
        model.eval(),
        open_device("cpu", allow_cpu=True).device,
        (Sample({"ids": IDS}, ()),),
        OneTask(),  # type: ignore[arg-type]
        dtype=torch.bfloat16,
        arithmetic=ArithmeticByClass.uniform("bfloat16"),
        progress=Silent(),
    )
    assert result.findings == ()


def test_views_reach_the_device_with_their_layout():
    base = torch.arange(24.0).reshape(4, 6)
    meta = torch.device("meta")
    for view in (base.T, base[:, 1:4], base[1::2], base):
        assert moved(view, meta).stride() == view.stride()
    assert moved(base[:1].expand(1000, 6), meta).shape == (1000, 6)
    assert moved(CPU, meta) == meta
    assert moved("cpu", meta) == "meta"
    assert moved("bilinear", meta) == "bilinear"
