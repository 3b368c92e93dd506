"""Predictions are what transformers' own pipeline gives for the same input, to 1e-5, for every row that has one."""

from __future__ import annotations

import json
import shutil
import warnings

import numpy as np
import pytest
import torch
import transformers as tf
from PIL import Image

from npu_adapt.models.images import generated_picture
from npu_adapt.models.sounds import generated_sound
from tests.models import tiny_models
from tests.models.tiny_models import MAKERS, WORDS, word_tokenizer

TEXT = "the quick brown fox jumps over lazy dog"
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tiny models by name, each written once, with changed fields of config.json."""
    folder = tmp_path_factory.mktemp("tiny")

    def make(name, maker=None, **fields):
        path = folder / f"{name}-{'-'.join(map(str, fields.values()))}"
        if not path.exists():
            (maker or MAKERS[name][0])(path)
            content = json.loads((path / "config.json").read_text()) | fields
            (path / "config.json").write_text(json.dumps(content))
        return path

    return make


@pytest.fixture
def picture(tmp_path):
    generated_picture(3).image.resize((80, 60)).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def predicted(loaded, *values):
    (sample,) = loaded.task.prepare(loaded, [str(value) for value in values], 1, 0)
    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)
    return loaded.task.predictions(loaded, sample, outputs, 0)


def pipeline(task, loaded, **options):
    image = loaded.processor.image
    parts = {
        "tokenizer": loaded.processor.tokenizer,
        "feature_extractor": loaded.processor.audio,
        "image_processor": getattr(image, "func", image),
    }
    present = {name: part for name, part in parts.items() if part is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tf.pipeline(task, model=loaded.module, device="cpu", **present, **options)


def assert_same(predictions, expected, label="label"):
    assert [one.label for one in predictions] == [one[label] for one in expected]
    assert [one.score for one in predictions] == pytest.approx([one["score"] for one in expected], abs=TOLERANCE)


@pytest.mark.parametrize("kind", [None, "multi_label_classification", "single_label_classification", "regression"])
def test_text_classes(kind, made, load):
    loaded = load(made("bert-classes", problem_type=kind))
    expected = pipeline("text-classification", loaded)(TEXT, top_k=5)
    assert_same(predicted(loaded, TEXT), expected)


def test_one_class_is_a_sigmoid(made, load):
    def reranker(folder):
        config = tf.BertConfig(
            **tiny_models.WIDTH, vocab_size=len(tiny_models.WORDS), id2label={0: "match"}, label2id={"match": 0}
        )
        return tiny_models.save(tf.BertForSequenceClassification(config), folder, tiny_models.word_tokenizer)

    loaded = load(made("reranker", reranker), "text-classification")  # its own task is to rank
    predictions = predicted(loaded, TEXT)
    assert_same(predictions, pipeline("text-classification", loaded)(TEXT, top_k=5))
    assert predictions[0].score < 0.9


@pytest.mark.parametrize("kind", [None, "multi_label_classification"])  # 4.57's pipeline has no rule for regression
def test_image_classes(kind, made, load, picture):
    loaded = load(made("vit", problem_type=kind))
    expected = pipeline("image-classification", loaded)(str(picture))
    assert_same(predicted(loaded, picture), expected)


def test_audio_classes(made, load, tmp_path):
    loaded = load(made("wav2vec2-classes"))
    waveform = generated_sound(16000, 0).waveform
    expected = pipeline("audio-classification", loaded)(waveform)
    assert_same(loaded_predictions(loaded), expected)


def loaded_predictions(loaded):
    """The predictions for the default sample 0, which is `generated_sound(16000, 0)` for sounds."""
    (sample,) = loaded.task.prepare(loaded, (), 1, 0)
    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)
    return loaded.task.predictions(loaded, sample, outputs, 0)


def test_transcript(made, load):
    loaded = load(made("wav2vec2"))
    expected = pipeline("automatic-speech-recognition", loaded)(generated_sound(16000, 0).waveform)
    assert loaded_predictions(loaded)[0].label == expected["text"]


def test_tokens_and_their_classes(made, load):
    loaded = load(made("bert-tokens"))
    expected = pipeline("token-classification", loaded)(TEXT)
    words = [f"{one['word']}: {one['entity']}" for one in expected]
    predictions = predicted(loaded, TEXT)
    assert [one.label for one in predictions] == words and len(words) == 8
    assert [one.score for one in predictions] == pytest.approx([one["score"] for one in expected], abs=TOLERANCE)


def test_tokens_outside_of_entities_are_left_out(made, load):
    loaded = load(made("bert-tokens", id2label={"0": "O", "1": "O", "2": "O"}, label2id={"O": 0}))
    assert predicted(loaded, TEXT) == ()


def test_next_token(made, load):
    loaded = load(made("llama"))
    expected = pipeline("text-generation", loaded)(TEXT, max_new_tokens=1, do_sample=False, return_tensors=True)
    assert predicted(loaded, TEXT)[0].index == expected[0]["generated_token_ids"][-1]


def test_first_token_of_a_transcript(made, load):
    loaded = load(made("whisper"))
    sound = generated_sound(16000, 0).waveform
    transcribing = pipeline("automatic-speech-recognition", loaded)
    (prepared,) = transcribing.preprocess(sound)  # decoding wants whisper's own tokenizer: the tokens are compared
    tokens = transcribing._forward(prepared, max_new_tokens=1, do_sample=False)["tokens"]
    assert loaded_predictions(loaded)[0].index == tokens[0, -1]


def rows(loaded, text):
    (sample,) = loaded.task.prepare(loaded, [text], 1, 0)
    with torch.inference_mode():
        return loaded.task.forward(loaded.module, sample.tensors)


@pytest.mark.parametrize("name", ["bert-base", "bart"])
def test_rows_of_features(name, made, load):
    loaded = load(made(name, bart if name == "bart" else None))
    if name == "bart":  # as its own tokenizer says; 4.57's pipeline hands on all that a tokenizer names
        loaded.processor.tokenizer.model_input_names = ["input_ids", "attention_mask"]
    expected = pipeline("feature-extraction", loaded)(TEXT, return_tensors=True)
    torch.testing.assert_close(rows(loaded, TEXT)["last_hidden_state"], expected, rtol=0, atol=TOLERANCE)


def bart(folder):
    config = tf.BartConfig(
        d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=48, decoder_ffn_dim=48, vocab_size=len(WORDS), max_position_embeddings=64, pad_token_id=0,
        bos_token_id=2, eos_token_id=3, decoder_start_token_id=3,
    )  # fmt: skip
    return tiny_models.save(tf.BartModel(config), folder, word_tokenizer)


def t5(folder):
    config = tf.T5Config(
        d_model=32, d_kv=16, d_ff=48, num_layers=1, num_heads=2, vocab_size=len(WORDS), decoder_start_token_id=0
    )
    return tiny_models.save(tf.T5Model(config), folder, word_tokenizer)


def test_an_encoder_decoder_that_wants_its_decoders_input_is_given_it(made, load):
    loaded = load(made("t5", t5))
    outputs = rows(loaded, TEXT)
    ids = loaded.processor.tokenizer(TEXT, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = loaded.module.encoder(input_ids=ids).last_hidden_state
    torch.testing.assert_close(outputs["encoder_last_hidden_state"], expected, rtol=0, atol=TOLERANCE)
    assert outputs["last_hidden_state"].shape == expected.shape


def test_masked_token(made, load):
    loaded = load(made("bert-mask"))
    text = TEXT.replace("fox", "[MASK]")
    assert_same(predicted(loaded, text), pipeline("fill-mask", loaded)(text), label="token_str")


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_candidates(name, made, load, picture):
    loaded = load(made(name, siglip if name == "siglip" else None))
    texts = ["a photo of a cat", "the river", "lazy dog over water"]
    loaded.processor.tokenizer.model_input_names = ["input_ids", "attention_mask"]  # CLIP's own gives no token types
    found = pipeline("zero-shot-image-classification", loaded)(
        str(picture), candidate_labels=texts, hypothesis_template="{}"
    )
    assert_same(predicted(loaded, picture, *texts), found)
    total = sum(one["score"] for one in found)
    assert (total == pytest.approx(1)) == (name == "clip")


def siglip(folder):
    text = {**tiny_models.WIDTH, "vocab_size": len(tiny_models.WORDS), "max_position_embeddings": 64}
    text |= {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    config = tf.SiglipConfig(text_config=text, vision_config={**tiny_models.WIDTH, **tiny_models.PICTURE})
    processor = tiny_models.image_processor("SiglipImageProcessor")
    tiny_models.save(tf.SiglipModel(config), folder, processor, tiny_models.word_tokenizer)
    content = json.loads((folder / "tokenizer_config.json").read_text()) | {"model_max_length": 64}
    (folder / "tokenizer_config.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("name", ["yolos", "rt-detr"])
def test_boxes(name, made, load, picture):
    loaded = load(made(name, rt_detr if name == "rt-detr" else None))
    found = pipeline("object-detection", loaded)(str(picture), threshold=0.0)
    best = sorted(found, key=lambda one: -one["score"])[:5]
    predictions = predicted(loaded, picture)
    assert [one.score for one in predictions] == pytest.approx([one["score"] for one in best], abs=TOLERANCE)
    assert {one.label for one in predictions} <= {one["label"] for one in found}


def rt_detr(folder):
    backbone = tf.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = tf.RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=16, encoder_in_channels=[8, 16, 16], encoder_layers=1,
        encoder_ffn_dim=16, encoder_attention_heads=2, d_model=16, num_queries=6, decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=16, decoder_layers=1, decoder_attention_heads=2, num_denoising=0, **tiny_models.LABELS,
    )  # fmt: skip
    size = {"height": 64, "width": 64}
    return tiny_models.save(
        tf.RTDetrForObjectDetection(config), folder, tiny_models.image_processor("RTDetrImageProcessor", size=size)
    )


@pytest.mark.parametrize("name", ["segformer", "mask2former"])
def test_areas(name, made, load, picture):
    loaded = load(made(name))
    found = pipeline("image-segmentation", loaded)(str(picture), subtask="semantic")
    with Image.open(picture) as image:
        width, height = image.size
    areas = {one["label"]: np.asarray(one["mask"]).astype(bool).sum() / (width * height) for one in found}
    predictions = predicted(loaded, picture)
    assert {one.label: one.score for one in predictions} == pytest.approx(areas, abs=TOLERANCE)
    assert list(predictions) == sorted(predictions, key=lambda one: -one.score)


def test_a_tokenizer_that_cannot_decode_is_a_failed_run(made, load, tmp_path, monkeypatch):
    from npu_adapt.errors import RunFailed

    loaded = load(shutil.copytree(made("bert-mask"), tmp_path / "copy"))

    def fail(*_arguments):
        raise OverflowError("out of range integral type conversion attempted")

    monkeypatch.setattr(type(loaded.processor.tokenizer), "decode", fail)
    with pytest.raises(RunFailed, match="out of range") as failed:
        predicted(loaded, "the [MASK] fox")
    assert failed.value.stage == "predictions"
