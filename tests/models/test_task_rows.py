"""Each row of the task table, on a tiny model of an architecture that it is for."""

from __future__ import annotations

import pytest
import torch

from npu_adapt.models.tasks import TASKS
from tests.models.tiny_models import MAKERS

TIMM_ROWS = {"timm-image-classification"}  # tests/timm


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tiny models by name, each written once."""
    folder = tmp_path_factory.mktemp("tiny")
    return lambda name: MAKERS[name][0](folder / name) if not (folder / name).exists() else folder / name


def run(loaded, values=(), samples=1):
    prepared = loaded.task.prepare(loaded, values, samples, 0)
    with torch.inference_mode():
        return prepared, [loaded.task.forward(loaded.module, sample.tensors) for sample in prepared]


def test_every_row_has_a_model_here():
    assert {row for _, row, _ in MAKERS.values()} | TIMM_ROWS == set(TASKS)


@pytest.mark.parametrize("name", MAKERS)
def test_row_is_inferred_and_gives_its_outputs(name, made, load):
    _, row, shapes = MAKERS[name]

    loaded = load(made(name))
    samples, outputs = run(loaded, samples=2)

    assert loaded.task.name == row
    assert loaded.weights.missing_keys == loaded.weights.mismatched_keys == ()
    assert outputs[0].keys() == shapes.keys()
    for output, shape in shapes.items():
        found = tuple(outputs[0][output].shape)
        assert len(found) == len(shape) and all(want in (None, have) for have, want in zip(found, shape, strict=True))
        assert torch.isfinite(outputs[0][output]).all()
    one, other = ({info.name: info.sha256 for info in sample.inputs} for sample in samples)
    assert one != other  # two samples are two different inputs
    assert loaded.task.class_scores is None or loaded.task.class_scores in shapes


@pytest.mark.parametrize("name", MAKERS)
def test_default_samples_are_the_same_every_time(name, made, load):
    loaded = load(made(name))
    once, again = (loaded.task.prepare(loaded, (), 2, 0) for _ in range(2))
    assert [sample.inputs for sample in once] == [sample.inputs for sample in again]


@pytest.mark.parametrize(
    "name",
    [
        "vit",
        "yolos",
        "segformer",
        "mask2former",
        "bert-tokens",
        "bert-mask",
        "bert-classes",
        "llama",
        "wav2vec2",
        "whisper",
        "clip",
        "wav2vec2-classes",
    ],
)
def test_predictions_carry_their_sample(name, made, load):
    loaded = load(made(name))
    samples, outputs = run(loaded)
    predictions = loaded.task.predictions(loaded, samples[0], outputs[0], 3)
    assert predictions and all(prediction.sample == 3 and 0 <= prediction.score <= 1 for prediction in predictions)


def test_tag_finds_the_row_of_the_architecture(made, load):
    assert load(made("whisper"), "automatic-speech-recognition").task.name == "speech-to-text"
    assert load(made("wav2vec2"), "automatic-speech-recognition").task.name == "automatic-speech-recognition"
    assert load(made("wav2vec2-base"), "feature-extraction").task.name == "audio-feature-extraction"
    assert load(made("bert-base"), "feature-extraction").task.name == "feature-extraction"


def test_model_type_decides_where_no_architecture_is_named(made, load, tmp_path):
    import json
    import shutil

    folder = shutil.copytree(made("wav2vec2-base"), tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    del config["architectures"]
    (folder / "config.json").write_text(json.dumps(config))
    assert load(folder).task.name == "audio-feature-extraction"


def test_whisper_compares_only_encoder_positions_that_hold_sound(made, load):
    loaded = load(made("whisper"))
    samples, outputs = run(loaded)
    with torch.inference_mode():
        inputs = {name: samples[0].tensors[name] for name in ("input_features", "decoder_input_ids")}
        result = loaded.module(**inputs)
    assert torch.equal(outputs[0]["encoder_last_hidden_state"], result.encoder_last_hidden_state[:, :100])  # 2 s of 30
    assert torch.equal(outputs[0]["first_step_logits"], result.logits[:, 0])


def test_causal_lm_compares_all_positions(made, load):
    loaded = load(made("llama"))
    samples, outputs = run(loaded, ["the quick brown fox"])
    assert outputs[0]["logits"].shape[1] == samples[0].tensors["input_ids"].shape[1]
    assert torch.equal(outputs[0]["logits"][:, -1], outputs[0]["next_token_logits"])


def test_mask_is_put_in_or_taken_as_given(made, load):
    loaded = load(made("bert-mask"))
    default, given = loaded.task.prepare(loaded, ["the quick fox", "the [MASK] brown fox"], 1, 0)
    assert default.tensors["mask_position"].tolist() == given.tensors["mask_position"].tolist() == [2]
    assert "token 3 (quick) masked" in default.inputs[0].origin


def test_candidate_texts_are_told_from_pictures(made, load, digits):
    loaded = load(made("clip"))
    values = [str(digits / "images" / "3-three.png"), "a dog", "a photo of the sky over water", "a cat"]
    samples, outputs = run(loaded, values)
    assert len(samples) == 1
    assert outputs[0]["logits_per_image"].shape == (1, 3)
    labels = {prediction.label for prediction in loaded.task.predictions(loaded, samples[0], outputs[0], 0)}
    assert labels == {"a dog", "a photo of the sky over water", "a cat"}


def test_six_candidates_of_the_users_own_keep_their_names(made, load):
    loaded = load(made("clip"))
    own = [f"a photo of {what}" for what in ("the sea", "a fox", "a dog", "water", "a building", "a river")]
    samples, outputs = run(loaded, own)
    assert {one.label for one in loaded.task.predictions(loaded, samples[0], outputs[0], 0)} <= set(own)


def test_floating_inputs_are_cast_and_integers_are_not(made, load):
    loaded = load(made("clip"))
    tensors = loaded.task.prepare(loaded, (), 1, 0)[0].to(torch.device("cpu"), torch.bfloat16)
    assert tensors["pixel_values"].dtype == torch.bfloat16
    assert tensors["input_ids"].dtype == torch.int64
