"""Weights in a GGUF file: what its tensors stand for is what runs, proven; a file that does not do is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from npu_adapt.errors import ModelError
from npu_adapt.models.quantised import gguf as module
from npu_adapt.models.request import ModelRequest
from npu_adapt.progress import Silent
from npu_adapt.workflows.models.fetch import fetch
from tests.models.gguf_models import in_gguf


def found(folder):
    return fetch(ModelRequest(model=str(folder), offline=True), Silent())


@pytest.mark.parametrize(("kind", "bits", "symmetric"), [("Q4_0", 4, True), ("Q5_1", 5, False), ("Q8_0", 8, True)])
def test_the_model_has_what_the_files_blocks_stand_for(kind, bits, symmetric, tmp_path, load):
    folder, exact = in_gguf(tmp_path / "llama", kind)
    loaded = load(folder)
    assert loaded.dtype == torch.bfloat16
    for name, tensor in exact.items():
        assert torch.equal(loaded.module.get_parameter(name), tensor.bfloat16()), name
    assert loaded.weights.pretrained_used and loaded.weights.doubts == ()
    assert [Path(file.name).suffix for file in found(folder).weight_files] == [".gguf"]
    stored = loaded.weights.quantisation
    (way,) = stored.weights
    assert (stored.method, way.format, way.bits, way.group_size, way.symmetric) == ("gguf", kind, bits, 32, symmetric)
    assert way.modules == 12  # all projections but those whose rows no blocks of 32 fill
    assert stored.stored_bytes < stored.dequantised_bytes


def test_plain_numbers_in_a_gguf_file_are_not_called_quantised(tmp_path, load):
    folder, exact = in_gguf(tmp_path / "llama", "F16")
    loaded = load(folder, dtype="float32")
    name = "model.layers.0.self_attn.q_proj.weight"
    assert torch.equal(loaded.module.get_parameter(name), exact[name])
    assert loaded.weights.quantisation is None


def test_a_file_that_is_cut_is_named(tmp_path, load):
    folder, _ = in_gguf(tmp_path / "llama", "Q8_0")
    (file,) = folder.glob("*.gguf")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(ModelError, match=file.name):
        load(folder)


def test_a_configuration_of_another_model_is_refused(tmp_path, load):
    folder, _ = in_gguf(tmp_path / "llama", "Q8_0", heads=4)
    with pytest.raises(ModelError, match=r"says num_attention_heads 4, and config.json 2"):
        load(folder)


def test_without_the_package_it_is_named(tmp_path, load, monkeypatch):
    folder, _ = in_gguf(tmp_path / "llama", "Q8_0")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="gguf is not installed") as refused:
        load(folder)
    assert refused.value.hint == "pip install 'npu-adapt[quantised]'"


def test_without_its_configuration_or_beside_another_file_it_is_refused(tmp_path):
    folder, _ = in_gguf(tmp_path / "llama", "Q8_0")
    (file,) = folder.glob("*.gguf")
    second = file.with_name("other.gguf")
    second.write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="one of several GGUF files"):
        found(folder)
    second.unlink()
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"no config.json beside the GGUF file") as refused:
        found(folder)
    assert "tokenizer" in refused.value.hint
