"""Where inputs are from, in the reader's language: the record keeps the English text with its template and values."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch
from PIL import Image

from npu_adapt.consistency import contradictions
from npu_adapt.errors import Sentence
from npu_adapt.models.images import generated_picture, read_picture
from npu_adapt.models.tasks.prompts import asked
from npu_adapt.models.tasks.task import input_info, sample_of
from npu_adapt.models.tasks.text import _with_decoder_input
from npu_adapt.models.texts import read_text, sentence
from npu_adapt.records import InputInfo, Said, Summary, decode, encode
from npu_adapt.report.adaptation import adaptation_report
from npu_adapt.report.language import recorded
from npu_adapt.report.markdown import markdown
from tests.report.summaries import rehearsed


def _recorded(origin: str) -> InputInfo:
    """The input as it is read from a summary again."""
    summary = _asked(input_info("pixel_values", torch.zeros(1, 2), origin))
    run = decode(encode(summary), origin="summary.json").run
    assert run is not None
    return run.inputs[0]


def _asked(given: InputInfo) -> Summary:
    summary = rehearsed()
    assert summary.run is not None
    return msgspec.structs.replace(summary, run=msgspec.structs.replace(summary.run, inputs=(given,)))


def _in_chinese(origin: str) -> str:
    given = _recorded(origin)
    assert given.origin == origin == recorded(given.origin, given.said, "en")
    return recorded(given.origin, given.said, "zh")


def test_a_sentence_within_a_sentence_is_said_in_chinese_after_it_was_written_and_read() -> None:
    cut = Sentence(
        "{origin}, cut to the {limit} tokens that the model reads, of {whole}",
        origin=Sentence.joined("; ", [sentence(3).origin, read_text("Hallo").origin]), limit=8, whole=11,
    )  # fmt: skip
    assert cut == ("default sentence 3; text given with --input, cut to the 8 tokens that the model reads, of 11")
    assert _in_chinese(cut) == "第 3 条默认句子；--input 给出的文本，从 11 个词元截到模型可读的 8 个"


def test_a_picture_of_16_bits_is_told_with_what_was_done_to_it(tmp_path: Path) -> None:
    Image.new("I;16", (4, 4), 40000).save(tmp_path / "deep.png")
    told = _in_chinese(read_picture(tmp_path / "deep.png").origin)
    assert told.startswith("文件 deep.png sha256:") and told.endswith("，由 16 位缩放到 8 位")


def test_inputs_made_of_others_are_from_where_those_are() -> None:
    decoder = _with_decoder_input(sample_of({"input_ids": torch.tensor([[4, 5]])}, sentence(3).origin), start=0)
    first, second = decoder.inputs
    assert (second.name, second.said, second.origin) == ("decoder_input_ids", first.said, "default sentence 3")
    assert second.sha256 != first.sha256 and second.said is not None


@pytest.mark.parametrize(
    ("values", "said"), [(("cat.png",), "默认提示词"), (("cat.png", "What?"), "--input 给出的提示词")]
)
def test_a_prompt_beside_a_picture_is_told_in_chinese(values: tuple[str, ...], said: str) -> None:
    assert _in_chinese(asked(values, {".png"}, "Describe it.").text.origin) == said


def test_the_report_says_it_in_its_language() -> None:
    summary = _asked(input_info("pixel_values", torch.zeros(1, 2), generated_picture(7).origin))
    assert "生成的图片，1/f 频谱，种子 7" in markdown(adaptation_report(summary, "zh"))
    assert "generated picture, 1/f spectrum, seed 7" in markdown(adaptation_report(summary, "en"))


def test_an_edited_origin_is_seen() -> None:
    given = input_info("pixel_values", torch.zeros(1, 2), generated_picture(7).origin)
    edited = msgspec.structs.replace(given, origin="file cats.png")
    assert "run.inputs.0.origin" in [each.field for each in contradictions(_asked(edited))]
    assert "run.inputs.0.origin" not in [each.field for each in contradictions(_asked(given))]


@pytest.mark.parametrize("template", ["{origin:>99999999999}", "{origin.__class__}", "no words of ours: {origin}"])
def test_a_template_that_is_not_known_is_not_filled_wherever_it_stands(template: str) -> None:
    outer = Said("{origin}, by the chat template", {"origin": Said(template, {"origin": "x"})})
    assert recorded("as recorded", outer, "zh") == "as recorded"


def test_an_older_record_shows_the_origin_as_it_was_written() -> None:
    assert recorded("file cats.png", None, "zh") == "file cats.png"
