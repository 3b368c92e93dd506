"""Loading gives a model whose weights are proven, or one clear error."""

from __future__ import annotations

import sys
import time

import torch

from npu_adapt.models import loading
from npu_adapt.models.tasks.table import TASKS


def test_builtin_model_is_proven_and_reads_its_pictures(load, digits):
    loaded = load(digits)

    assert loaded.task.name == "image-classification"
    assert loaded.weights.proven_parameters == len(loaded.module.state_dict())
    assert loaded.weights.missing_keys == loaded.weights.doubts == loaded.left_out == ()
    samples = loaded.task.prepare(loaded, (), 2, 0)
    with torch.inference_mode():
        outputs = [loaded.task.forward(loaded.module, sample.tensors) for sample in samples]
    labels = [
        loaded.task.predictions(loaded, sample, output, 0)[0].label
        for sample, output in zip(samples, outputs, strict=True)
    ]
    assert labels == ["zero", "one"]
    assert {name: tuple(tensor.shape) for name, tensor in outputs[0].items()} == {
        "logits": (1, 10),
        "last_hidden_state": (1, 17, 64),
    }


def test_hidden_state_is_taken_after_the_final_norm(load, digits):
    loaded = load(digits)
    sample = loaded.task.prepare(loaded, (), 1, 0)[0]

    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)
        before = loaded.module(**sample.tensors, output_hidden_states=True).hidden_states[-1]

    assert torch.equal(outputs["last_hidden_state"], loaded.module.vit.layernorm(before))
    assert not torch.allclose(outputs["last_hidden_state"], before)


def test_imports_are_no_part_of_reading_the_weights(load, digits, monkeypatch):
    true_import = loading.import_class
    monkeypatch.setattr(loading, "import_class", lambda row, config: (time.sleep(0.5), true_import(row, config)))
    assert 0 < load(digits).load_ms < 500


def test_the_class_of_a_model_is_imported_before_it_is_built():
    import transformers

    config = transformers.AutoConfig.for_model("data2vec-audio")
    row = next(row for row in TASKS.values() if row.auto_class == "AutoModelForCTC")
    module = "transformers.models.data2vec.modeling_data2vec_audio"
    assert module not in sys.modules
    loading.import_class(row, config)
    assert module in sys.modules
