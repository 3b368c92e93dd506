"""Of a repository only what a model needs is brought: no second format of the weights, no exports, no pictures."""

from __future__ import annotations

import pytest

from npu_adapt.models.selection import needed_files, needed_weights

BERT = (
    ".gitattributes",
    "README.md",
    "config.json",
    "flax_model.msgpack",
    "model.safetensors",
    "onnx/config.json",
    "onnx/model.onnx",
    "pytorch_model.bin",
    "rust_model.ot",
    "tf_model.h5",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)


def test_one_format_of_the_weights_and_the_small_files() -> None:
    assert needed_files(BERT) == (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    )


def test_include_adds_and_exclude_takes_away_last() -> None:
    files = needed_files(BERT, include=("onnx/*", "*.md"), exclude=("*/config.json", "vocab.*"))
    assert "onnx/model.onnx" in files
    assert "README.md" in files
    assert not {"onnx/config.json", "vocab.txt"} & set(files)


@pytest.mark.parametrize(
    ("names", "allow_pickle", "weights"),
    [
        (["model.safetensors", "model.safetensors.index.json"], False, ("model.safetensors",)),
        (
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
            False,
            ("model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"),
        ),
        (["adapter_model.safetensors"], False, ("adapter_model.safetensors",)),
        (["pytorch_model.bin", "training_args.bin"], False, ()),
        (["pytorch_model.bin", "training_args.bin", "optimizer.pt"], True, ("pytorch_model.bin",)),
        (["model.safetensors", "pytorch_model.bin"], True, ("model.safetensors",)),
        (["unet/model.safetensors"], False, ()),
    ],
    ids=["single first", "shards", "another name", "pickles refused", "pickles allowed", "safetensors first", "below"],
)
def test_weights(names: list[str], allow_pickle: bool, weights: tuple[str, ...]) -> None:
    assert needed_weights(names, allow_pickle=allow_pickle) == weights


def test_an_index_of_another_format_is_not_brought() -> None:
    names = ["model.safetensors", "pytorch_model.bin.index.json", "tf_model.h5.index.json", "config.json"]
    assert needed_files(names) == ("config.json", "model.safetensors")
