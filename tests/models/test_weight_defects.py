"""What damaged, foreign or half-present weights get: one clear error, or a part left out and said so."""

from __future__ import annotations

import json
import re
import shutil

import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

from npu_adapt.errors import ModelCorrupt, ModelError, NotPretrained, RunFailed, UsageError
from npu_adapt.models import loading
from npu_adapt.models.checkpoint import open_checkpoint
from npu_adapt.models.proof import prove
from npu_adapt.numerics.bits import same_bits
from npu_adapt.records import Fact
from tests.models import tiny_models

WEIGHTS = "model.safetensors"


@pytest.fixture
def copy(digits, tmp_path):
    """A copy of the built-in model, to be damaged."""
    return shutil.copytree(digits, tmp_path / "model")


def edit(folder, change):
    """Rewrite the weights through `change(tensors)`."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def edit_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(config))


def shard(folder, count=2):
    """Split the weights as a hub does."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names, weight_map = sorted(tensors), {}
    for number in range(count):
        name = f"model-{number + 1:05}-of-{count:05}.safetensors"
        part = {key: tensors[key] for key in names[number::count]}
        save_file(part, folder / name, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def test_cut_file_is_corrupt(copy, load):
    data = (copy / WEIGHTS).read_bytes()
    (copy / WEIGHTS).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelCorrupt, match="cut short"):
        load(copy)


@pytest.mark.parametrize("size", [0, 5, 8])
def test_file_cut_inside_its_header_is_corrupt(size, copy, load):
    (copy / WEIGHTS).write_bytes((copy / WEIGHTS).read_bytes()[:size])
    with pytest.raises(ModelCorrupt):
        load(copy)


@pytest.mark.parametrize("position", [0, 3, 8, 9, 60])
def test_flipped_header_byte_is_never_a_traceback(position, copy, load):
    data = bytearray((copy / WEIGHTS).read_bytes())
    data[position] ^= 0xFF
    (copy / WEIGHTS).write_bytes(data)
    with pytest.raises(ModelError):
        load(copy)


def test_shards_are_proven_like_one_file(copy, load):
    shard(copy)
    assert load(copy).weights.proven_parameters == 72


def test_missing_shard_is_named(copy, load):
    shard(copy)
    (copy / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelCorrupt, match=r"missing: model-00002-of-00002\.safetensors"):
        load(copy)


@pytest.mark.parametrize(
    "name", ["../elsewhere.safetensors", "/elsewhere.safetensors", "a/../../elsewhere.safetensors"]
)
def test_a_shard_outside_of_its_folder_is_not_read(name, copy, load):
    shard(copy)
    index = copy / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    moved = content["weight_map"] | {key: name for key, file in content["weight_map"].items() if "00002-of" in file}
    index.write_text(json.dumps(content | {"weight_map": moved}))
    (copy / "model-00002-of-00002.safetensors").rename(copy.parent / "elsewhere.safetensors")
    with pytest.raises(ModelCorrupt, match="names a shard that is not in its folder"):
        load(copy)


def test_missing_head_is_not_pretrained(tmp_path, load):
    folder = tiny_models.vit(tmp_path / "base", "ViTModel")
    with pytest.raises(NotPretrained, match=r"not in the checkpoint.*classifier"):
        load(folder, "image-classification")


def test_head_of_another_size_is_not_pretrained(copy, load):
    labels = {str(number): str(number) for number in range(12)}
    edit_config(copy, id2label=labels, label2id={name: int(number) for number, name in labels.items()})
    with pytest.raises(NotPretrained, match="shape"):
        load(copy)


@pytest.mark.parametrize(("maker", "task"), [("vit", "image-feature-extraction"), ("bert-mask", "feature-extraction")])
def test_pooler_that_the_checkpoint_lacks_is_left_out(maker, task, tmp_path, load):
    loaded = load(tiny_models.MAKERS[maker][0](tmp_path / maker), task)

    sample = loaded.task.prepare(loaded, (), 1, 0)[0]
    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)

    assert loaded.left_out == ("pooler",)
    assert loaded.weights.left_out == (Fact("part", {"name": "pooler"}),)
    assert loaded.weights.missing_keys == ("pooler.dense.bias", "pooler.dense.weight")
    assert outputs.keys() == {"last_hidden_state"}
    assert not any("pooler" in name for name, _ in loaded.module.named_parameters())


def test_training_only_embedding_may_be_missing(tmp_path, load):
    folder = tiny_models.wav2vec2(tmp_path / "ctc")
    edit(folder, lambda tensors: tensors.pop("wav2vec2.masked_spec_embed"))
    assert load(folder).left_out == ("wav2vec2.masked_spec_embed",)


def test_what_a_backbone_computes_and_nobody_reads_may_be_missing(tmp_path, load):
    folder = tiny_models.mask2former(tmp_path / "mask2former")
    names = [name for name in load_file(folder / WEIGHTS) if "swin.layernorm" in name]  # none in transformers 4
    edit(folder, lambda tensors: [tensors.pop(name) for name in names])
    assert load(folder).left_out == tuple(sorted(names))


def test_missing_layer_is_not_pretrained(copy, load):
    edit(copy, lambda tensors: tensors.pop("vit.encoder.layer.2.output.dense.weight"))
    with pytest.raises(NotPretrained, match="uses are not in the checkpoint"):
        load(copy)


def test_tensor_swapped_in_memory_is_caught(copy, load):
    module = load(copy).module
    weights = [
        parameter for name, parameter in module.named_parameters() if re.search(r"(q_proj|query)\.weight$", name)
    ]
    one, other = weights[0].detach().clone(), weights[1].detach().clone()
    weights[0].data, weights[1].data = other, one

    proof = prove(module, open_checkpoint(copy, allow_pickle=False), lambda _: None)

    assert len(proof.unequal) == 2


def test_one_zero_bias_is_no_proof_of_another(copy, load):
    edit(copy, lambda tensors: tensors["vit.encoder.layer.0.output.dense.bias"].zero_())
    module = load(copy).module
    names = [name for name, p in module.named_parameters() if name.endswith("bias") and p.numel() == 64]
    module.get_parameter(names[-1]).data.zero_()  # its bytes are in the file, under another name

    proof = prove(module, open_checkpoint(copy, allow_pickle=False), lambda _: None)

    assert proof.unequal == (names[-1],)


def test_one_changed_bit_is_caught(copy, load):
    module = load(copy).module
    module.classifier.weight.data[3, 5] = torch.nextafter(module.classifier.weight[3, 5], torch.tensor(9.0))
    proof = prove(module, open_checkpoint(copy, allow_pickle=False), lambda _: None)
    assert proof.unequal == ("classifier.weight",)


def test_same_bits_knows_nan_and_signed_zero():
    nan, zero = torch.tensor([float("nan")]), torch.tensor([0.0])
    assert same_bits(nan, nan.clone())
    assert not same_bits(zero, -zero)
    assert not same_bits(zero, zero.double())


def test_cast_is_undone_and_said(copy, load):
    loaded = load(copy, dtype="bfloat16")
    assert loaded.dtype == torch.bfloat16
    assert Fact("cast", {"from": "float32", "to": "bfloat16", "tensors": 72}) in loaded.weights.conversions


def test_tied_embedding_needs_no_tensor_of_its_own(tmp_path, load):
    loaded = load(tiny_models.llama(tmp_path / "llama"))
    tied = Fact("tied", {"name": "lm_head.weight", "other": "model.embed_tokens.weight"})
    assert tied in loaded.weights.conversions
    assert loaded.weights.missing_keys == ()


def test_legacy_names_are_followed(tmp_path, load):
    folder = tiny_models.wav2vec2(tmp_path / "ctc")

    def legacy(tensors):
        base = "wav2vec2.encoder.pos_conv_embed.conv."
        tensors[f"{base}weight_g"] = tensors.pop(f"{base}parametrizations.weight.original0")
        tensors[f"{base}weight_v"] = tensors.pop(f"{base}parametrizations.weight.original1")

    edit(folder, legacy)
    assert any(conversion.id == "renamed" for conversion in load(folder).weights.conversions)

    folder = tiny_models.bert(tmp_path / "bert", "BertForMaskedLM")

    def tensorflow_names(tensors):
        for name in [name for name in tensors if "LayerNorm" in name]:
            new = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            tensors[new] = tensors.pop(name)

    edit(folder, tensorflow_names)
    assert load(folder).weights.missing_keys == ()


def test_untrained_model_is_doubted(tmp_path, load):
    config = tf.ViTConfig(**tiny_models.WIDTH, **tiny_models.PICTURE)
    tf.ViTForImageClassification(config).save_pretrained(tmp_path)
    tiny_models.image_processor()(tmp_path)
    assert load(tmp_path).weights.doubts == (Fact("untrained", {"norms": 5}),)


def test_unused_parts_of_the_checkpoint_are_listed(tmp_path, load):
    loaded = load(tiny_models.vit(tmp_path / "vit"), "image-feature-extraction")
    assert loaded.weights.unexpected_keys == ("classifier.bias", "classifier.weight")


def test_pickle_is_read_only_when_allowed(copy, load):
    torch.save(load_file(copy / WEIGHTS), copy / "pytorch_model.bin")
    (copy / WEIGHTS).unlink()
    with pytest.raises(ModelError, match="pickle") as refused:
        load(copy)
    assert "--allow-pickle" in refused.value.hint
    assert load(copy, allow_pickle=True).weights.proven_parameters == 72


def test_pickle_that_runs_code_is_refused(copy, load):
    torch.save({"weight": print}, copy / "pytorch_model.bin")
    (copy / WEIGHTS).unlink()
    with pytest.raises(ModelCorrupt, match="tensors alone"):
        load(copy, allow_pickle=True)


def test_no_weights_at_all(copy, load):
    (copy / WEIGHTS).unlink()
    with pytest.raises(ModelError, match="holds no model"):
        load(copy)


def test_directory_without_config(copy, load):
    (copy / "config.json").unlink()
    with pytest.raises(ModelError, match=r"no config\.json"):
        load(copy)


@pytest.mark.parametrize("changes", [{"model_type": "vit-from-the-future"}, {"model_type": None}])
def test_unknown_architecture(changes, copy, load):
    edit_config(copy, **changes)
    with pytest.raises(ModelError, match="architecture") as unknown:
        load(copy)
    assert "transformers" in unknown.value.hint


def test_remote_code_is_not_run_unasked(copy, load):
    edit_config(
        copy, model_type="mine", auto_map={"AutoConfig": "mine.Config", "AutoModelForImageClassification": "mine.Model"}
    )
    (copy / "mine.py").write_text("raise SystemExit('this code was run')")
    with pytest.raises(ModelError, match="own code") as refused:
        load(copy)
    assert "--trust-remote-code" in refused.value.hint


def test_config_that_is_not_json(copy, load):
    (copy / "config.json").write_text("{")
    with pytest.raises(ModelError):
        load(copy)


def test_missing_processor_is_named(copy, load):
    (copy / "preprocessor_config.json").unlink()
    with pytest.raises(ModelError, match="image processor") as missing:
        load(copy)
    assert "preprocessor_config.json" in missing.value.hint


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_out_of_memory_while_loading(error, copy, load, monkeypatch):
    raise_while_building(monkeypatch, error)
    with pytest.raises(RunFailed, match="out of memory") as failed:
        load(copy)
    assert (failed.value.stage, failed.value.kind) == ("load", "out-of-memory")


def test_whatever_building_raises_is_the_models_fault(copy, load, monkeypatch):
    error = ZeroDivisionError("their bug")
    raise_while_building(monkeypatch, error)
    with pytest.raises(ModelError, match="their bug") as failed:
        load(copy)
    assert failed.value.__cause__ is error


def test_failures_of_our_own_keep_their_traceback(copy, load, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(loading, "_leave_out", fail)
    with pytest.raises(RuntimeError, match="a bug of ours"):
        load(copy)


def raise_while_building(monkeypatch, error):
    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(tf.AutoModelForImageClassification, "from_pretrained", fail)


def test_attention_is_chosen_and_recorded(copy, load):
    assert load(copy).attention == "sdpa"
    assert load(copy, attention="eager").attention == "eager"


def test_nothing_is_printed_while_loading(tmp_path, load, capfd):
    folder = tiny_models.bert(tmp_path / "bert", "BertForMaskedLM")
    capfd.readouterr()
    load(folder, "feature-extraction")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("task", ["no-such-task", "fill-mask"])
def test_task_that_the_model_cannot_do(task, copy, load):
    with pytest.raises(UsageError):
        load(copy, task)


def test_the_one_variant_of_the_weights_is_loaded(load, digits, tmp_path):
    """A repository may hold nothing but `model.fp16.safetensors`."""
    copy = tmp_path / "variant"
    shutil.copytree(digits, copy)
    (copy / "model.safetensors").rename(copy / "model.fp16.safetensors")
    loaded = load(copy)
    assert loaded.weights.proven_parameters == 72
    shutil.copyfile(copy / "model.fp16.safetensors", copy / "model.ema.safetensors")
    with pytest.raises(ModelError, match="several variants of the weights: ema, fp16"):
        load(copy)
