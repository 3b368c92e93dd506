"""config.json as hands, older tools and mistakes write it: understood, or one error that names the file."""

from __future__ import annotations

import json
import os
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from npu_adapt.errors import ModelCorrupt, ModelError, NpuAdaptError, UsageError
from npu_adapt.models.named_fields import fields_with, unknown_value
from tests.models import tiny_models


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return tiny_models.bert(tmp_path_factory.mktemp("base") / "bert", "BertForSequenceClassification")


@pytest.fixture
def changed(bert, tmp_path):
    """`changed(field=value)`: a copy of the model; `...` takes a field away."""

    def change(**changes):
        shutil.rmtree(tmp_path / "model", ignore_errors=True)
        folder = shutil.copytree(bert, tmp_path / "model")
        fields = json.loads((folder / "config.json").read_text()) | changes
        (folder / "config.json").write_text(json.dumps({k: v for k, v in fields.items() if v is not ...}))
        return folder

    return change


@pytest.mark.parametrize("field", ["torch_dtype", "dtype"])
@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("torch.float16", torch.float16),
        ("fp16", torch.float16),
        ("half", torch.float16),
        ("torch.bfloat16", torch.bfloat16),
        ("BF16", torch.bfloat16),
        ("float", torch.float32),
        ("auto", torch.float32),
    ],
)
def test_names_of_types_as_hands_write_them(field, name, dtype, changed, load):
    assert load(changed(**{"dtype": ..., "torch_dtype": ..., field: name})).dtype == dtype


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"id2label": ["a", "b", "c"], "label2id": ...}, ["a", "b", "c"]),
        ({"id2label": {"0": "a"}, "label2id": {"a": 0}, "num_labels": 3}, ["a", "LABEL_1", "LABEL_2"]),
        ({"id2label": {"0": 0, "1": 1, "2": 2}, "label2id": ...}, ["0", "1", "2"]),
    ],
    ids=["a list", "too short", "numbers"],
)
def test_tables_of_labels_as_others_write_them(changes, names, changed, load):
    assert list(load(changed(**changes)).config.id2label.values()) == names


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": "32"},
        {"hidden_size": 33},
        {"hidden_size": -32},
        {"hidden_size": None},
        {"num_attention_heads": 0},
        {"num_hidden_layers": -1},
        {"num_hidden_layers": [2]},
        {"hidden_act": "no-such-activation"},
        {"vocab_size": 0},
        {"vocab_size": 1.5},
        {"layer_norm_eps": "small"},
        {"id2label": {"a": "b"}},
        {"id2label": 3},
        {"torch_dtype": "float13"},
        {"architectures": 5},
        {"architectures": "BertForSequenceClassification"},
        {"model_type": 7},
        {"model_type": ["bert"]},
        {"auto_map": "mine"},
    ],
    ids=json.dumps,
)
def test_values_of_other_types_and_sizes_are_the_models_fault(changes, changed, load):
    try:
        loaded = load(changed(**changes))
    except NpuAdaptError as error:
        assert error.exit_code == 5 and error.hint
    else:
        assert loaded.weights.proven_parameters  # this transformers takes the value for what was meant


@pytest.mark.parametrize(
    ("fields", "error", "named"),
    [
        ({"hidden_act": "quadratic", "x": 1}, KeyError("quadratic"), ("hidden_act",)),
        ({"rope_scaling": {"type": "quadratic"}}, KeyError("quadratic"), ("rope_scaling.type",)),
        ({"vision_config": {"layers": ["full", "odd"]}}, KeyError("odd"), ("vision_config.layers",)),
        ({"a": "odd", "b": {"c": "odd"}}, AttributeError("no", name="odd"), ("a", "b.c")),
        ({"feed_forward_proj": "gated-odd"}, KeyError("odd"), ("feed_forward_proj",)),
        ({"rope_scaling": {"type": "linear"}, "id2label": {"0": "factor"}}, KeyError("factor"), ()),
    ],
)
def test_the_fields_that_carry_what_a_lookup_did_not_find(fields, error, named):
    assert fields_with(fields, unknown_value(error)) == named


@pytest.mark.parametrize("changes", [{"hidden_act": "quadratic"}, {"hidden_act": "Gelu"}], ids=json.dumps)
def test_a_value_that_no_registry_knows_is_named_with_its_field(changes, changed, load):
    with pytest.raises(ModelError, match=f"config.json says hidden_act '{changes['hidden_act']}'") as refused:
        load(changed(**changes))
    assert "correct the field" in refused.value.hint and isinstance(refused.value.__cause__, KeyError)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "changes", [{"num_hidden_layers": 10_000_000}, {"hidden_size": 10_000_000}, {"vocab_size": 10**12}], ids=json.dumps
)
def test_sizes_that_the_weights_cannot_fill_are_refused_before_building(changes, changed, load):
    with pytest.raises(ModelError, match=f"says {next(iter(changes))} {next(iter(changes.values()))}"):
        load(changed(**changes))


@pytest.mark.parametrize("text", ["", "[]", "5", "{", "null", '{"a": ' * 100_000, b"\xff\xfe"])
def test_what_is_no_configuration_is_named(text, changed, load):
    file = changed() / "config.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ModelCorrupt, match=r"config\.json"):
        load(file.parent)


@pytest.mark.timeout(30)
def test_a_pipe_in_the_place_of_a_file_holds_nothing_up(changed, load):
    folder = changed()
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(ModelError, match="not a regular file"):
        load(folder)
    folder = changed()
    (folder / "tokenizer.json").unlink()
    os.mkfifo(folder / "tokenizer.json")
    with pytest.raises(ModelError, match=r"tokenizer\.json is not a regular file"):
        load(folder)


def test_a_file_of_the_kernel_is_not_read(digits, tmp_path, load):
    """It calls itself regular, and a read of it waits until the kernel says something."""
    folder = shutil.copytree(digits, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("/proc/kmsg")
    with pytest.raises(ModelError, match=r"model\.safetensors is not a regular file"):
        load(folder)


def test_a_configuration_that_asks_for_flash_attention_says_what_to_give(changed, load):
    folder = changed(_attn_implementation="flash_attention_2")
    with pytest.raises(ModelError, match=r"Flash ?Attention") as refused:
        load(folder)
    assert "--attention eager" in refused.value.hint
    assert load(folder, attention="eager").attention == "eager"


def test_an_attention_that_was_asked_for_and_is_not_there_is_a_usage_error(changed, load):
    with pytest.raises(UsageError, match="--attention flash_attention_2"):
        load(changed(), attention="flash_attention_2")


OWN_CODE = """
from transformers import BertConfig, BertForSequenceClassification
{top}
class MineConfig(BertConfig):
    model_type = "mine"
class MineModel(BertForSequenceClassification):
    config_class = MineConfig
    def __init__(self, config):
        super().__init__(config)
        {inside}
"""
AUTO_MAP = {"AutoConfig": "mine.MineConfig", "AutoModelForSequenceClassification": "mine.MineModel"}


@pytest.mark.parametrize(
    ("top", "inside", "said"),
    [
        ("import flash_attn", "pass", "flash_attn"),
        ("", "import torch; torch.zeros(1).cuda()", "CUDA"),
        ("", "assert False, 'only tested on A100'", "only tested on A100"),
        ("", "undefined_name", "undefined_name"),
        ("this is no Python", "pass", "invalid syntax"),
        ("raise SystemExit('left')", "pass", "left"),
    ],
    ids=["missing package", "CUDA", "assert", "name", "syntax", "exit"],
)
def test_whatever_a_models_own_code_raises_is_its_fault(top, inside, said, changed, load):
    folder = changed(model_type="mine", auto_map=AUTO_MAP)
    (folder / "mine.py").write_text(OWN_CODE.format(top=top, inside=inside))
    with pytest.raises(ModelError, match=said) as failed:
        load(folder, trust_remote_code=True)
    assert failed.value.__cause__ is not None


def test_code_in_another_repository_is_to_be_fetched_first(changed, load):
    auto_map = {name: f"someorg/somerepo--{kind}" for name, kind in AUTO_MAP.items()}
    with pytest.raises(ModelError) as failed:
        load(changed(model_type="mine", auto_map=auto_map), trust_remote_code=True)
    assert "someorg/somerepo" in failed.value.hint


def test_a_models_own_code_runs_when_it_is_trusted(changed, load):
    folder = changed(model_type="mine", auto_map=AUTO_MAP)
    (folder / "mine.py").write_text(OWN_CODE.format(top="", inside="pass"))
    assert load(folder, trust_remote_code=True).weights.proven_parameters == 41


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_a_state_of_a_wrapped_model_is_unwrapped_and_said(prefix, changed, load):
    folder = changed()
    tensors = load_file(folder / "model.safetensors")
    wrapped = {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
    save_file(wrapped, folder / "model.safetensors", {"format": "pt"})
    weights = load(folder).weights
    assert weights.proven_parameters == 41 and weights.doubts == ()
    (conversion,) = weights.conversions
    assert conversion.id == "unwrapped" and conversion.values["tensors"] == 41
    assert sorted(conversion.values["prefixes"]) == sorted(f"{part}." for part in prefix.strip(".").split("."))


def test_an_index_without_metadata_is_read(changed, load):
    folder = changed()
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    index = {"weight_map": dict.fromkeys(tensors, "model-00001-of-00001.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert load(folder).weights.proven_parameters == 41


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_both_formats_of_torchs_own_files(zipped, changed, load):
    folder = changed()
    tensors = load_file(folder / "model.safetensors")
    torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    (folder / "model.safetensors").unlink()
    assert load(folder, allow_pickle=True).weights.proven_parameters == 41


@pytest.mark.parametrize(
    "content", [[torch.ones(2)], torch.ones(2), 5, {"model": 3}], ids=["list", "tensor", "5", "nothing"]
)
def test_a_pickle_of_something_else(content, changed, load):
    folder = changed()
    torch.save(content, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError):
        load(folder, allow_pickle=True)


@pytest.mark.parametrize("kind", ["U16", "U32", "U64", "C64", "F8_E8M0", "F4", "F6_E2M3", "Q7_LATER"])
def test_every_type_of_the_format_may_lie_unused_in_a_file(kind, changed, load):
    folder = changed()
    file = folder / "model.safetensors"
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    end = len(data) - 8 - length
    bits = {"U16": 16, "U32": 32, "U64": 64, "C64": 64, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6}.get(kind, 7)
    header["extra"] = {"dtype": kind, "shape": [8], "data_offsets": [end, end + bits]}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :] + bytes(bits))
    weights = load(folder).weights
    assert weights.proven_parameters == 41 and weights.unexpected_keys == ("extra",)


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 123456\n"


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_pointer_of_git_lfs_is_called_one(name, changed, load):
    folder = changed()
    (folder / name).write_text(POINTER)
    with pytest.raises(ModelError) as refused:
        load(folder)
    assert f"{name} is a Git LFS pointer" in refused.value.message + refused.value.hint
