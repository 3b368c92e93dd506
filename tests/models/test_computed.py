"""Parameters that no file holds: computed ones are proven by computing them anew, all others stay missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import MarianConfig, MarianMTModel

from npu_adapt.models.checkpoint import open_checkpoint
from npu_adapt.models.computed import computed
from npu_adapt.models.proof import prove

POSITIONS = ("model.decoder.embed_positions.weight", "model.encoder.embed_positions.weight")


@pytest.fixture
def marian() -> MarianMTModel:
    torch.manual_seed(0)
    sizes = dict.fromkeys(("encoder_layers", "decoder_layers"), 1)
    heads = dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2)
    config = MarianConfig(
        vocab_size=40,
        pad_token_id=0,
        d_model=16,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_position_embeddings=32,
        **sizes,
        **heads,
    )
    return MarianMTModel(config).eval()


def test_positions_that_no_file_holds_are_proven_by_computing_them(marian: MarianMTModel, tmp_path: Path) -> None:
    marian.save_pretrained(tmp_path)
    checkpoint = open_checkpoint(tmp_path, allow_pickle=False)
    assert not set(POSITIONS) & checkpoint.tensors.keys()
    loaded = MarianMTModel.from_pretrained(tmp_path)
    before = {name: loaded.get_parameter(name) for name in POSITIONS}
    proof = prove(loaded, checkpoint, lambda _: None)
    assert proof.missing == ()
    assert [fact.values["name"] for fact in proof.conversions if fact.id == "computed"] == list(POSITIONS)
    assert all(loaded.get_parameter(name) is before[name] for name in POSITIONS)


def test_positions_of_other_values_are_not(marian: MarianMTModel) -> None:
    with torch.no_grad():
        marian.get_parameter(POSITIONS[0]).mul_(1.001)
    assert computed(marian, POSITIONS) == POSITIONS[1:]


def test_what_is_drawn_or_not_declared_stays_missing(marian: MarianMTModel) -> None:
    drawn = "model.encoder.layers.0.fc1.weight"
    assert computed(marian, (drawn,)) == ()
    marian._keys_to_ignore_on_load_missing = [drawn, "layer_norm"]
    assert computed(marian, (drawn, "model.encoder.layers.0.final_layer_norm.weight")) == ()
    assert computed(nn.Sequential(nn.Linear(2, 2)), ("0.weight",)) == ()
