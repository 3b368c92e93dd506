"""A quantised checkpoint on a device: the weights that the device dequantised are judged beside the exact ones."""

from __future__ import annotations

import msgspec
import pytest
import torch

from npu_adapt.consistency.summary import contradictions
from npu_adapt.errors import ModelError, UsageError
from npu_adapt.models.quantised.compressed import QuantisedModule, parts_of
from npu_adapt.progress import Silent
from npu_adapt.workflows.compare.command import compare
from npu_adapt.workflows.compare.options import CompareOptions
from npu_adapt.workflows.compare.rejudge import rejudge
from npu_adapt.workflows.run.request import RunRequest
from tests.models import tiny_models
from tests.models.quantised_models import quantised
from tests.models.scaled_models import scaled

DOWN = "model.layers.1.mlp.down_proj"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return tiny_models.llama(tmp_path_factory.mktemp("original") / "llama")


@pytest.fixture(scope="module")
def model(original, tmp_path_factory):
    return quantised(tmp_path_factory.mktemp("quantised") / "llama", "int8 with inputs", original)


def judged(model, tmp_path, **options):
    request = RunRequest(
        command="compare",
        command_line="",
        model=str(model),
        device="cpu",
        dtype="bfloat16",
        logs=tmp_path / "logs",
        offline=True,
    )
    return compare(request, CompareOptions(**options), Silent())


def test_a_correct_device_dequantises_to_the_bit(model, tmp_path):
    summary = judged(model, tmp_path, generate=4)
    assert summary.compare.verdict.passed
    assert summary.compare.dequantised.differing == 0
    assert summary.compare.dequantised.modules == 14
    assert contradictions(summary) == ()
    edited = msgspec.structs.replace(
        summary,
        compare=msgspec.structs.replace(
            summary.compare, dequantised=msgspec.structs.replace(summary.compare.dequantised, worst_ulps=9.0)
        ),
    )
    assert any(each.field.startswith("compare.verdict.terms") for each in contradictions(edited))


def test_a_device_that_dequantises_wrongly_fails_with_the_module(model, tmp_path, monkeypatch):
    plain = QuantisedModule.on

    def wrongly(self, device):
        made = plain(self, device)
        weight = dict(parts_of(made))[DOWN].weight
        weight.data[3, 5] *= 1 + 2**-4
        return made

    monkeypatch.setattr(QuantisedModule, "on", wrongly)
    compared = judged(model, tmp_path, save_outputs=tmp_path / "kept").compare
    request = RunRequest(command="compare", command_line="", logs=tmp_path / "again")
    again = rejudge(tmp_path / "kept", request, CompareOptions(), Silent()).compare
    assert (again.verdict.passed, again.dequantised) == (False, compared.dequantised)
    (term,) = (each for each in compared.verdict.terms if each.id == "dequantised")
    assert not compared.verdict.passed
    assert (term.holds, term.place) == (False, DOWN)
    assert 7 <= compared.dequantised.worst_ulps <= 17  # a sixteenth is 8 to 16 units of 8 bits
    assert compared.dequantised.differing == pytest.approx(1 / (2 * 32 * (32 + 16 + 16 + 32 + 3 * 48)))
    assert torch.isfinite(torch.tensor(compared.relative_l2))


def test_what_quantising_lost_stands_beside_what_the_device_adds(model, original, tmp_path):
    compared = judged(model, tmp_path, original=str(original), fast=True).compare
    (logits,) = (each for each in compared.quantisation_loss.outputs if each.name == "logits")
    assert 1e-3 < logits.relative_l2 < 5e-2  # 8 bits: a part in 254 of the largest, on weights and inputs
    assert compared.quantisation_loss.path == str(original)


@pytest.mark.parametrize("kind", ["fp8 in blocks", "torchao int4"])
def test_what_is_multiplied_out_has_both_figures_too(kind, original, tmp_path):
    summary = judged(scaled(tmp_path / "llama", kind, original), tmp_path, original=str(original))
    compared = summary.compare
    assert compared.verdict.passed and contradictions(summary) == ()
    assert compared.dequantised is None  # both sides run with what was multiplied out
    (logits,) = (each for each in compared.quantisation_loss.outputs if each.name == "logits")
    assert 1e-3 < logits.relative_l2 < 0.5
    assert summary.weights.quantisation.method == kind.split()[0]


def test_the_original_of_a_plain_or_of_another_model_is_refused(model, original, tmp_path):
    with pytest.raises(UsageError, match="not quantised"):
        judged(original, tmp_path, original=str(original), fast=True)
    with pytest.raises(ModelError, match=r"is not what .* was made from"):
        judged(model, tmp_path, original="builtin:digits-vit", fast=True)
