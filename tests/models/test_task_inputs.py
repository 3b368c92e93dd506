"""Inputs that are more than one text or picture: questions, rankings, frames, series; and what cannot be one."""

from __future__ import annotations

import json

import pytest
import torch

from npu_adapt.errors import ModelError, UsageError
from npu_adapt.models.selection import needed_files
from npu_adapt.models.tasks.pooling import Pooling, read_pooling
from npu_adapt.models.tasks.questions import questions
from tests.models import tiny_models
from tests.models.tiny_models import MAKERS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Tiny models by name, each written once."""
    folder = tmp_path_factory.mktemp("tiny")
    return lambda name: MAKERS[name][0](folder / name) if not (folder / name).exists() else folder / name


def test_the_question_ends_with_its_first_question_mark():
    (asked,) = questions(["Who came? Ann? No, Bob came."], 1, 0)
    assert (asked.question, asked.passage) == ("Who came?", "Ann? No, Bob came.")
    (asked,) = questions(["谁来了？小明来了。"], 1, 0)
    assert (asked.question, asked.passage) == ("谁来了？", "小明来了。")


@pytest.mark.parametrize("text", ["Ann came.", "Who came?", "?"])
def test_a_text_without_question_or_passage_is_refused(text):
    with pytest.raises(UsageError, match="not a question and a passage"):
        questions([text], 1, 0)


def test_an_answer_is_a_span_of_the_passage(made, load):
    loaded = load(made("bert-answers"))
    (sample,) = loaded.task.prepare(loaded, ["the quick? brown fox jumps over"], 1, 0)
    count = sample.tensors["input_ids"].shape[1]
    start, end = torch.full((1, count), -20.0), torch.full((1, count), -20.0)
    start[0, 6] = end[0, 7] = 20.0
    found = loaded.task.predictions(loaded, sample, {"start_logits": start, "end_logits": end}, 0)
    assert found[0].label == "fox jumps" and found[0].score > 0.99


def test_a_text_to_text_model_is_taught_the_source_itself(made, load):
    loaded = load(made("t5"))
    (sample,) = loaded.task.prepare(loaded, ["the quick brown fox"], 1, 0)
    ids, taught = sample.tensors["input_ids"], sample.tensors["decoder_input_ids"]
    assert taught[0, 0] == 0 and torch.equal(taught[0, 1:], ids[0])


@pytest.mark.parametrize("tag", ["translation", "summarization", "text2text-generation"])
def test_a_text_to_text_model_goes_by_several_tags(tag, made, load):
    assert load(made("t5"), tag).task.name == "text2text-generation"


def test_a_picture_takes_as_many_tokens_as_the_model_says(made, load):
    loaded = load(made("llava"))
    (sample,) = loaded.task.prepare(loaded, ["a photo of cat"], 0, 0) or loaded.task.prepare(loaded, [], 1, 0)
    ids = sample.tensors["input_ids"][0]
    assert (ids == loaded.config.image_token_id).sum() == 16  # 32 / 8, squared
    assert ids[0] == 2  # the token that begins a text stays first


def test_a_sound_takes_as_many_tokens_as_the_model_says(made, load):
    loaded = load(made("voxtral"))
    (sample,) = loaded.task.prepare(loaded, ["a photo of cat"], 1, 0)
    ids = sample.tensors["input_ids"][0]
    assert (ids == loaded.config.audio_token_id).sum() == 375  # 30 s in frames of 80 ms
    assert ids[0] == 2 and ids[-1] == 3
    assert {info.origin.split(",")[0] for info in sample.inputs} == {"generated sound", "prompt given with --input"}


# Several texts.

STATE = torch.tensor([[[1.0, 4.0], [3.0, 0.0], [9.0, 9.0]]])
MASK = torch.tensor([[1, 1, 0]])


@pytest.mark.parametrize(
    ("mode", "pooled"),
    [
        ("cls", [1.0, 4.0]),
        ("mean", [2.0, 2.0]),
        ("max", [3.0, 4.0]),
        ("lasttoken", [3.0, 0.0]),
        ("mean_sqrt_len_tokens", [4 / 2**0.5, 4 / 2**0.5]),
    ],
)
def test_padding_is_never_pooled(mode, pooled):
    assert torch.allclose(Pooling(mode).apply(STATE, MASK), torch.tensor([pooled]))


def test_the_last_and_first_tokens_are_found_with_padding_on_the_left():
    mask = torch.tensor([[0, 1, 1]])
    assert Pooling("cls").apply(STATE, mask).tolist() == [[3.0, 0.0]]
    assert Pooling("lasttoken").apply(STATE, mask).tolist() == [[9.0, 9.0]]


def test_modules_say_pooling_norm_and_length(tmp_path):
    tiny_models.sentence_modules(tmp_path, "cls")
    assert read_pooling(tmp_path) == Pooling("cls", normalized=True, longest=16)


def test_a_module_that_is_not_applied_is_refused_with_the_adapter(tmp_path):
    tiny_models.sentence_modules(tmp_path, "mean", "Dense")
    with pytest.raises(ModelError, match="Dense") as caught:
        read_pooling(tmp_path)
    assert "adapter" in caught.value.hint


def test_two_pooling_modes_at_once_are_refused(tmp_path):
    tiny_models.sentence_modules(tmp_path)
    both = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(both))
    with pytest.raises(ModelError, match="cls\\+mean"):
        read_pooling(tmp_path)


def test_a_module_outside_of_the_folder_is_refused(tmp_path):
    tiny_models.sentence_modules(tmp_path)
    file = tmp_path / "modules.json"
    file.write_text(file.read_text().replace("1_Pooling", "../1_Pooling"))
    with pytest.raises(ModelError, match="not a list of modules"):
        read_pooling(tmp_path)


def test_the_pooling_is_fetched_with_the_model():
    names = ("config.json", "model.safetensors", "modules.json", "1_Pooling/config.json", "onnx/model.onnx")
    assert "1_Pooling/config.json" in needed_files(names)
    assert "1_Pooling/config.json" not in needed_files([name for name in names if name != "modules.json"])


def test_embeddings_are_of_length_one_and_alike_texts_come_first(made, load):
    loaded = load(made("sentences"))
    (sample,) = loaded.task.prepare(loaded, ["the quick fox", "river water sea", "the quick fox"], 1, 0)
    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)
    assert torch.allclose(outputs["sentence_embedding"].norm(dim=1), torch.ones(3))
    assert loaded.task.predictions(loaded, sample, outputs, 0)[0].label == "the quick fox"


def test_one_text_alone_has_an_embedding_and_is_like_no_other(made, load):
    loaded = load(made("sentences"))
    (sample,) = loaded.task.prepare(loaded, ["the quick fox"], 1, 0)
    with torch.inference_mode():
        outputs = loaded.task.forward(loaded.module, sample.tensors)
    assert outputs["sentence_embedding"].shape[0] == 1
    assert loaded.task.predictions(loaded, sample, outputs, 0) == ()


def test_a_query_alone_is_refused(made, load):
    loaded = load(made("cross-encoder"))
    with pytest.raises(UsageError, match="nothing to be compared with"):
        loaded.task.prepare(loaded, ["the quick fox"], 1, 0)


# Frames and series.


def test_frames_are_taken_evenly_from_a_folder(made, load, tmp_path):
    from PIL import Image

    for number in range(8):
        Image.new("RGB", (32, 32), (30 * number, 0, 0)).save(tmp_path / f"{number}.png")
    loaded = load(made("videomae"))
    (sample,) = loaded.task.prepare(loaded, [str(tmp_path)], 1, 0)
    reds = sample.tensors["pixel_values"][0, :, 0, 0, 0]
    assert torch.allclose((reds * 0.5 + 0.5) * 255, torch.tensor([0.0, 60.0, 120.0, 180.0]), atol=0.01)


def test_a_folder_without_pictures_is_no_video(made, load, tmp_path):
    loaded = load(made("videomae"))
    with pytest.raises(UsageError, match="not a folder of frames"):
        loaded.task.prepare(loaded, [str(tmp_path)], 1, 0)


def test_a_series_is_read_from_a_file(made, load, tmp_path):
    loaded = load(made("timesfm"))
    file = tmp_path / "series.csv"
    file.write_text("\n".join(str(number) for number in range(40)))
    (sample,) = loaded.task.prepare(loaded, [str(file)], 1, 0)
    assert sample.tensors["past_values"][0].tolist() == list(range(8, 40))


@pytest.mark.parametrize(
    ("text", "said"), [("one\ntwo", "as numbers"), ("1\n2", "2 lines of 1"), ("1,2\n" * 40, "of 2")]
)
def test_a_file_that_is_no_series_is_refused(text, said, made, load, tmp_path):
    file = tmp_path / "series.csv"
    file.write_text(text)
    loaded = load(made("timesfm"))
    with pytest.raises(UsageError, match=said):
        loaded.task.prepare(loaded, [str(file)], 1, 0)
