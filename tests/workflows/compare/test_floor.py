"""The noise floor end to end: wide enough for every correct device, however few elements an output has."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from npu_adapt.models.tasks import Sample
from npu_adapt.numerics.emulation import Emulation, emulate
from npu_adapt.numerics.truth import Float32
from npu_adapt.progress import Silent
from npu_adapt.workflows.compare import floor
from npu_adapt.workflows.compare.floor import InFloat32, emulations, errors_of, measure_floor
from tests.workflows.compare.faulty_models import BFLOAT16, FLOAT32, HF32, Model, OneTask

INPUTS = 40


class Scorer(nn.Module):
    """One score for a text, or one for each of several classes: what rerankers and classifiers give."""

    def __init__(self, scores: int) -> None:
        super().__init__()
        self.body = Model()
        self.body.head = nn.Linear(32, scores)

    def forward(self, ids: Tensor) -> Tensor:
        return self.body(ids)[:, 0]


def ratios(scores: int, arithmetic: Any, inputs: int = INPUTS) -> list[float]:
    """Errors over their floors of devices that are right: other last bits than any emulation of the floor."""
    task, module = OneTask(), Scorer(scores).eval()
    loaded: Any = SimpleNamespace(module=module, dtype=torch.float32, task=task)
    draw = torch.Generator().manual_seed(scores)
    samples = tuple(Sample({"ids": torch.randint(1, 20, (1, 16), generator=draw)}, ()) for _ in range(inputs))
    device = Emulation(arithmetic, fused_attention=True, last_bits=1000)
    with torch.inference_mode(), emulate(device):
        found = tuple(task.forward(module, dict(sample.tensors)) for sample in samples)
    measured = measure_floor(loaded, samples, found, arithmetic, Silent(), explain=False, keep_truth=False)
    return [each["logits"].over_floor or 0.0 for each in measured.samples]


@pytest.mark.parametrize("arithmetic", [FLOAT32, HF32], ids=["float32", "hf32"])
@pytest.mark.parametrize("scores", [1, 3, 10])
def test_a_correct_device_of_few_scores_is_within_the_floor(scores: int, arithmetic: Any) -> None:
    assert max(ratios(scores, arithmetic)) <= 3


def test_two_emulations_are_too_few_for_one_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor, "LEAST_DRAWS", 2)
    assert max(ratios(1, FLOAT32, 5 * INPUTS)) > 3


@pytest.mark.parametrize(
    ("shape", "dtype", "operators", "number"),
    [
        ((1, 1000), torch.float32, {"matmul", "attention"}, 2),
        ((1, 1000), torch.float32, {"matmul"}, 2),
        ((1, 10), torch.float32, {"matmul", "attention"}, 7),
        ((1, 10), torch.float32, {"matmul"}, 7),
        ((1, 1), torch.float32, {"matmul", "attention"}, 16),
        ((1, 0), torch.float32, {"matmul"}, 2),
        ((1, 2), torch.float16, {"matmul", "attention"}, 4),
        ((1, 2), torch.float16, {"matmul"}, 2),
    ],
)
def test_the_fewer_elements_the_more_emulations(
    shape: tuple[int, ...], dtype: torch.dtype, operators: set[str], number: int
) -> None:
    outputs = {"hidden": torch.zeros(1, 16, 32), "logits": torch.zeros(shape)}
    chosen = list(emulations(FLOAT32, operators, outputs, dtype))
    assert len(chosen) == len(set(chosen)) == number


def test_an_output_of_another_length_bounds_nothing() -> None:
    """As VITS gives it in coarser arithmetic, where a duration is rounded the other way."""
    truth = {"waveform": torch.ones(1, 8), "mask": torch.ones(1, 8, dtype=torch.bool)}
    longer = {"waveform": torch.ones(1, 9), "mask": torch.ones(1, 9, dtype=torch.bool)}
    assert errors_of(longer, truth) == {"waveform": None}
    assert errors_of(truth, truth) == {"waveform": 0.0}


def known_and_not(dtype: torch.dtype, arithmetic: Any) -> tuple[Any, Any, list[int]]:
    """The floor with the reference's forwards given, the floor without, and how many forwards each of them took."""
    task, module = OneTask(), Scorer(1000).to(dtype).eval()
    loaded: Any = SimpleNamespace(module=module, dtype=dtype, task=task)
    sample = Sample({"ids": torch.arange(1, 17)[None]}, ())
    wide = Float32() if dtype != torch.float32 else None
    with torch.inference_mode():
        with wide or nullcontext():
            reference = task.forward(module, dict(sample.tensors))
        found = task.forward(module, dict(sample.tensors))
    taken: list[int] = []
    module.register_forward_pre_hook(lambda *_: taken.append(1))
    counts = []

    def floor_by(known: InFloat32 | None) -> Any:
        taken.clear()
        arguments = (loaded, (sample,), (found,), arithmetic, Silent())
        measured = measure_floor(*arguments, explain=True, keep_truth=True, known=known)
        counts.append(len(taken))
        return measured

    return floor_by(InFloat32((reference,), wide)), floor_by(None), counts


def test_the_references_forward_is_the_truth_of_a_half_typed_model() -> None:
    known, anew, forwards = known_and_not(torch.bfloat16, BFLOAT16)
    assert forwards == [4, 5]
    assert known.samples == anew.samples and known.operators == anew.operators == {"matmul", "attention"}
    assert torch.equal(known.truth[0]["logits"], anew.truth[0]["logits"])
    assert known.truth[0]["logits"].dtype == torch.float64
    assert [fact.id for fact in known.left_out] == ["half-type-in-float32"]


def test_the_references_forward_is_an_emulation_of_float32_and_of_nothing_else() -> None:
    known, anew, forwards = known_and_not(torch.float32, FLOAT32)
    assert forwards == [2, 3] and known.left_out == ()
    one, other = (each.samples[0]["logits"] for each in (known, anew))
    assert one.error == other.error and one.floor == pytest.approx(other.floor, rel=0.5)
    assert known.fits == ("float32",)
    assert known_and_not(torch.float32, HF32)[2] == [4, 4]  # truth, two of hf32, and one of float32 to explain by


@pytest.mark.parametrize(("times", "further"), [(1.0, 0), (3.5, 1), (1e3, 8)])
def test_a_half_typed_output_outside_the_floor_is_held_to_further_orders_of_sums(
    monkeypatch: pytest.MonkeyPatch, times: float, further: int
) -> None:
    """The first of them errs by a fifth more than the four, so that 3.5 floors become 2.9; 1000 floors stay a fault."""
    task, module = OneTask(), Scorer(1000).to(torch.bfloat16).eval()
    loaded: Any = SimpleNamespace(module=module, dtype=torch.bfloat16, task=task)
    sample = Sample({"ids": torch.arange(1, 17)[None]}, ())
    with torch.inference_mode():
        found = task.forward(module, dict(sample.tensors))
    asked: list[int | None] = []

    def errors(outputs: Any, _truth: Any) -> dict[str, float | None]:
        if outputs is found:
            return {"logits": 0.01 * times}
        return {"logits": 0.012 if asked and asked[-1] is not None else 0.01}

    def emulated(variant: Any) -> Any:
        asked.append(variant.block)
        return nullcontext()

    monkeypatch.setattr(floor, "errors_of", errors)
    monkeypatch.setattr(floor, "emulate", emulated)
    arguments = (loaded, (sample,), (found,), BFLOAT16, Silent())
    measured = measure_floor(*arguments, explain=False, keep_truth=False).samples[0]["logits"]
    assert len([block for block in asked if block is not None]) == further
    assert measured.floor == pytest.approx(0.012 if further else 0.01)
    assert (measured.over_floor is not None and measured.over_floor <= 3) == (times < 100)


def test_other_orders_of_sums_give_other_bits_within_the_same_error() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(64, 576).bfloat16(), torch.randn(512, 576).bfloat16()
    exact = x.double() @ weight.double().T
    results = []
    for variant in Emulation(BFLOAT16).other_orders():
        with emulate(variant):
            results.append(torch.nn.functional.linear(x, weight))
    assert len({each.view(torch.int16).numpy().tobytes() for each in results}) > 1
    assert all(((each.double() - exact).norm() / exact.norm()) < 2**-8 for each in results)
