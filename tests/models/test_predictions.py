"""Predictions are what transformers' own pipeline gives for the same input, to 1e-5, for every row that has one."""

from __future__ import annotations

import json
import shutil
import warnings
from types import SimpleNamespace

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
IS_4 = tf.__version__.startswith("4.")


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
    loaded = load(made("t5-base", t5))
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


@pytest.mark.filterwarnings("ignore:.*__array__ implementation:DeprecationWarning")  # the pipeline's, with NumPy 2
@pytest.mark.skipif(not IS_4, reason="transformers 5 has no pipeline for answers: the next test has them by hand")
def test_answers(made, load):
    loaded = load(made("bert-answers"))
    for question, passage in ((TEXT, TEXT), ("the dog", "River river runs quietly. The fox, the FOX")):
        found = pipeline("question-answering", loaded)(question=f"{question}?", context=passage, top_k=5)
        assert_same(predicted(loaded, f"{question}? {passage}"), found, label="answer")


def test_answers_are_words_of_the_passage(made, load):
    """Of the question no token counts, equal answers are one, and the first token keeps its part of the probability."""
    loaded = load(made("bert-answers"))
    (sample,) = loaded.task.prepare(loaded, ["the dog? Fox runs. fox"], 1, 0)
    tokens = sample.tensors["input_ids"].shape[1]  # [CLS] the dog ? [SEP] fox runs . fox [SEP]
    logits = torch.full((1, tokens), -100.0)
    logits[0, [0, 2, 5, 8]] = torch.tensor([0.0, 9.0, 0.0, 0.0])
    outputs = {"start_logits": logits, "end_logits": logits}
    best, *others = loaded.task.predictions(loaded, sample, outputs, 0)
    assert (best.label, best.index) == ("Fox", 5) and best.score == pytest.approx(2 / 9)
    assert others[0].label == "Fox runs. fox" and others[0].score == pytest.approx(1 / 9)


@pytest.mark.filterwarnings("ignore:The .device. argument is deprecated:FutureWarning")  # LayoutLMv3's own, in 4.57
@pytest.mark.parametrize("name", ["layoutlm", "layoutlmv3"])
def test_answers_on_a_page(name, made, load):
    """What follows the pipeline's reading of words from a picture, for which it wants a library.

    The pipeline cannot read LayoutLMv3, whose scores go on behind the text's tokens, over the parts of the picture.
    """
    loaded = load(made(name))
    (sample,) = loaded.task.prepare(loaded, [f"the dog? {TEXT} quietly"], 1, 0)
    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)
    count = sample.tensors["input_ids"].shape[1]  # [CLS] the dog ? [SEP], the page's words, [SEP]
    words = [None, 0, 1, 2, None, *range(9), None]
    assert len(words) == count
    row = tf.pipelines.DocumentQuestionAnsweringPipeline.postprocess_extractive_qa
    masked = [False, *[True] * 4, *[False] * 9, True]  # the first token keeps its part
    given = {
        "words": [*TEXT.split(), "quietly"], "word_ids": words, "p_mask": [masked],
        "attention_mask": torch.ones(1, count, dtype=torch.long),
        **{name: outputs[name][:, :count] for name in ("start_logits", "end_logits")},
    }  # fmt: skip
    expected = row(SimpleNamespace(framework="pt"), [given], top_k=5)
    found = loaded.task.predictions(loaded, sample, outputs, 0)
    assert len(found) == 5
    assert_same(found, expected, label="answer")


@pytest.mark.parametrize("name", ["t5", "trocr", "llava"])
def test_first_token_that_is_written(name, made, load):
    """By `generate`, which pipelines call: those for texts are gone in version 5, that for chats wants a template."""
    loaded = load(made(name))
    (sample,) = loaded.task.prepare(loaded, (), 1, 0)
    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)
        given = {key: value for key, value in sample.tensors.items() if not key.startswith("decoder_")}
        written = loaded.module.generate(**given, max_new_tokens=1, do_sample=False)
    assert loaded.task.predictions(loaded, sample, outputs, 0)[0].index == written[0, -1]


def test_depths(made, load, picture):
    loaded = load(made("depth-anything"))
    depth = pipeline("depth-estimation", loaded)(str(picture))["predicted_depth"]
    expected = [float(depth.min()), float(depth.median()), float(depth.max())]
    assert depth.shape == (60, 80)
    assert [one.score for one in predicted(loaded, picture)] == pytest.approx(expected, abs=TOLERANCE)


def test_a_better_picture(made, load, picture):
    """As the pipeline of transformers 4 saves it; 5 has none for pictures."""
    loaded = load(made("swin2sr"))
    (sample,) = loaded.task.prepare(loaded, [str(picture)], 1, 0)
    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)
    if IS_4:
        saved = np.asarray(pipeline("image-to-image", loaded)(str(picture)))
    else:
        saved = (outputs["reconstruction"][0].clamp(0, 1).permute(1, 2, 0) * 255).round().numpy().astype(np.uint8)
    expected = saved.reshape(-1, 3).mean(0) / 255
    found = loaded.task.predictions(loaded, sample, outputs, 0)
    assert [one.score for one in found] == pytest.approx(list(expected), abs=TOLERANCE)


def test_video_classes(made, load):
    """What follows the pipeline's reading of a file, for which it wants a library for videos."""
    loaded = load(made("videomae"))
    (sample,) = loaded.task.prepare(loaded, (), 1, 0)
    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)
        result = loaded.module(**sample.tensors)
    row = tf.pipelines.VideoClassificationPipeline.postprocess
    expected = row(SimpleNamespace(model=loaded.module, framework="pt"), result, top_k=5)
    found = loaded.task.predictions(loaded, sample, outputs, 0)
    assert_same(found, expected)
    in_rows = {**outputs, "logits": outputs["logits"][None]}  # VideoPrism has a row of scores for each video
    assert loaded.task.predictions(loaded, sample, in_rows, 0) == found


@pytest.mark.skipif("vitpose" not in MAKERS, reason="transformers 4 has no table of poses")
def test_joints(made, load, picture):
    """No pipeline: transformers' own reading of the heatmaps, with the picture as the one box."""
    loaded = load(made("vitpose"))
    processor = loaded.processor.image.func if hasattr(loaded.processor.image, "func") else loaded.processor.image
    with Image.open(picture) as image:
        inputs = processor(image.convert("RGB"), boxes=[[[0, 0, 80, 60]]], return_tensors="pt")
    with torch.inference_mode():
        result = loaded.module(**inputs)
    ((expected,),) = processor.post_process_pose_estimation(result, boxes=[[[0, 0, 80, 60]]])
    names = loaded.config.id2label
    found = {f"{names[n]} ({x:.0f}, {y:.0f})" for n, (x, y) in enumerate(expected["keypoints"].tolist())}
    predictions = predicted(loaded, picture)
    assert {one.label for one in predictions} == found
    assert [one.score for one in predictions] == pytest.approx(sorted(expected["scores"].tolist(), reverse=True))


@pytest.mark.skipif("sam" not in MAKERS, reason="transformers 4 cannot save the tiny model")
def test_masks(made, load, picture):
    """The pipeline points everywhere by a grid: one point is read by transformers' own post-processing."""
    loaded = load(made("sam"))
    processor = getattr(loaded.processor.image, "func", loaded.processor.image)
    with Image.open(picture) as image:
        inputs = processor(image.convert("RGB"), return_tensors="pt")
    sizes = {name: inputs.pop(name) for name in ("original_sizes", "reshaped_input_sizes")}
    height, width = sizes["reshaped_input_sizes"][0].tolist()
    assert (height, width) == (48, 64)  # the rest of 64 is padding
    point = {"input_points": torch.tensor([[[[width / 2, height / 2]]]]), "input_labels": torch.ones(1, 1, 1).long()}
    with torch.inference_mode():
        result = loaded.module(pixel_values=inputs["pixel_values"], **point)
    (masks,) = processor.post_process_masks(result.pred_masks, **sizes)
    assert masks.shape[-2:] == (60, 80)
    order = result.iou_scores.flatten().argsort(descending=True)
    shares = masks.double().flatten(2).mean(2).flatten()
    predictions = predicted(loaded, picture)
    assert [one.label for one in predictions] == [f"{100 * shares[n]:.1f} %" for n in order.tolist()]
    assert [one.score for one in predictions] == pytest.approx(result.iou_scores.flatten()[order].tolist())


def test_ranks(made, load):
    """No pipeline ranks: the one for classes gives each pair its score."""
    loaded = load(made("cross-encoder"))
    query, *passages = "the dog", TEXT, "river runs", "a photo of sky"
    pairs = [{"text": query, "text_pair": passage} for passage in passages]
    scores = [one["score"] for one in pipeline("text-classification", loaded)(pairs)]
    expected = sorted(zip(scores, passages, strict=True), reverse=True)
    found = predicted(loaded, query, *passages)
    assert [one.label for one in found] == [passage for _, passage in expected]
    assert [one.score for one in found] == pytest.approx([score for score, _ in expected], abs=TOLERANCE)


def test_similarities(made, load):
    """No pipeline pools: the mean of its features of each text alone, and the cosine of two means."""
    loaded = load(made("sentences"))
    texts = ["the dog", TEXT, "river runs"]
    features = pipeline("feature-extraction", loaded)
    first, *others = (features(text, return_tensors=True)[0].mean(0) for text in texts)
    cosines = [float(torch.cosine_similarity(first, other, 0)) for other in others]
    expected = sorted(zip(cosines, texts[1:], strict=True), reverse=True)
    found = predicted(loaded, *texts)
    assert [one.label for one in found] == [text for _, text in expected]
    assert [one.score for one in found] == pytest.approx([cosine for cosine, _ in expected], abs=TOLERANCE)


def test_forecasts(made, load):
    """Neither a pipeline nor a processor: the numbers are the model's own."""
    loaded = load(made("timesfm"))
    (sample,) = loaded.task.prepare(loaded, (), 1, 0)
    with torch.inference_mode():
        steps = loaded.module(**sample.tensors).mean_predictions[0, :5].tolist()
    assert [one.score for one in loaded_predictions(loaded)] == pytest.approx(steps, abs=TOLERANCE)


def test_features_of_pictures(made, load, picture):
    loaded = load(made("dinov2"))
    expected = pipeline("image-feature-extraction", loaded)(str(picture), return_tensors=True)
    torch.testing.assert_close(rows(loaded, str(picture))["last_hidden_state"], expected, rtol=0, atol=TOLERANCE)


def test_a_tokenizer_that_cannot_decode_is_a_failed_run(made, load, tmp_path, monkeypatch):
    from npu_adapt.errors import RunFailed

    loaded = load(shutil.copytree(made("bert-mask"), tmp_path / "copy"))

    def fail(*_arguments):
        raise OverflowError("out of range integral type conversion attempted")

    monkeypatch.setattr(type(loaded.processor.tokenizer), "decode", fail)
    with pytest.raises(RunFailed, match="out of range") as failed:
        predicted(loaded, "the [MASK] fox")
    assert failed.value.stage == "predictions"
