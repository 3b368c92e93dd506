"""Questions about a page: its words stand at places, which the model reads with them, and some models see it too."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from npu_adapt.errors import Sentence
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks.image import POOLER
from npu_adapt.models.tasks.questions import ANSWERS, best_spans, find_answer, questions
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, accepted, preparing, require_known_tokens, sample_of
from npu_adapt.models.tasks.text import token_limit
from npu_adapt.records import Prediction

PAGE = (640, 480)  # width and height in pixels
THOUSAND = 1000  # boxes are given in thousandths of the page
_MARGIN, _LINE, _GAP, _LETTER = 40, 24, 8, 8  # pixels


@dataclass(frozen=True)
class Page:
    """Words, their boxes in thousandths (left, top, right, bottom), and the picture of both."""

    words: tuple[str, ...]
    boxes: tuple[tuple[int, int, int, int], ...]
    picture: Image.Image


def set_page(text: str) -> Page:
    """The words of the text set on a page, line by line; what goes below its end stands on the last line."""
    width, height = PAGE
    picture = Image.new("RGB", PAGE, "white")
    pen = ImageDraw.Draw(picture)
    left, top = _MARGIN, _MARGIN
    words = tuple(text.split())
    boxes = []
    for word in words:
        wide = min(_LETTER * len(word), width - 2 * _MARGIN)
        if left + wide > width - _MARGIN:
            left, top = _MARGIN, min(top + _LINE, height - _MARGIN)
        pen.text((left, top), word, fill="black")
        corners = (left / width, top / height, (left + wide) / width, (top + _LINE - _GAP) / height)
        boxes.append(tuple(int(THOUSAND * each) for each in corners))
        left += wide + _GAP
    return Page(words, tuple(boxes), picture)  # type: ignore[arg-type]


def prepare_pages(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`input_ids` [1, tokens] of a question and the page's words, `bbox` [1, tokens, 4], and the page's picture.

    A value is "QUESTION? TEXT"; the text is set on a page.
    """
    prepared = []
    for asked in questions(values, samples, seed):
        page = set_page(asked.passage)
        with preparing(loaded, asked.origin, given=bool(values)):
            encoded = _encoded(loaded, asked.question, page)
            if loaded.processor.image is not None:
                encoded |= dict(loaded.processor.image(images=page.picture, apply_ocr=False, return_tensors="pt"))
        require_known_tokens(loaded, encoded["input_ids"])
        labels = (asked.question, asked.passage)
        prepared.append(
            sample_of(
                accepted(loaded, encoded), Sentence("{origin}, set on a page", origin=asked.origin), labels=labels
            )
        )
    return tuple(prepared)


def _encoded(loaded: LoadedModel, question: str, page: Page) -> dict[str, Tensor]:
    """Tokens and boxes: tokenizers for pages give both, others the tokens, whose words tell the boxes."""
    encoded = _tokens(loaded, question, page, token_limit(loaded))
    if "bbox" in encoded:
        return dict(encoded)
    boxes = [
        page.boxes[word] if part == 1 else (0, 0, 0, 0) if part == 0 else (THOUSAND,) * 4
        for part, word in zip(encoded.sequence_ids(0), encoded.word_ids(0), strict=True)
    ]
    boxes[0] = (0, 0, 0, 0)  # of the token that begins the text; those between texts stand at the page's end
    return {**encoded, "bbox": torch.tensor([boxes])}


def _tokens(loaded: LoadedModel, question: str, page: Page, limit: int | None) -> Any:
    """What the tokenizer makes of the question and the page's words."""
    tokenizer: Any = loaded.processor.tokenizer
    cut = {} if limit is None else {"truncation": "only_second", "max_length": limit}
    words = list(page.words)
    if "boxes" in inspect.signature(type(tokenizer).__call__).parameters:
        return tokenizer(question, words, boxes=[list(box) for box in page.boxes], return_tensors="pt", **cut)
    return tokenizer(question.split(), words, is_split_into_words=True, return_tensors="pt", **cut)


def page_answers(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five best spans of the page, of at most 15 tokens: their words, by the rule of transformers' pipeline."""
    question, text = sample.labels
    page = set_page(text)
    with foreign_code("predictions", loaded.info.architecture):
        encoded = _tokens(loaded, question, page, sample.tensors["input_ids"].shape[1])
        holds = tuple(part == 1 for part in encoded.sequence_ids(0))
        places = encoded.word_ids(0)
    return tuple(
        Prediction(
            label=" ".join(page.words[places[first] : places[last] + 1]), index=first, score=score, sample=sample_index
        )
        for score, first, last in best_spans(loaded, sample, outputs, holds, ANSWERS)
    )


def sees_pages(config: Any) -> bool:
    """Whether the model reads the page's picture beside its words."""
    return any(getattr(config, name, None) is not None for name in ("patch_size", "image_feature_pool_shape"))


_TABLE = ("MODEL_FOR_DOCUMENT_QUESTION_ANSWERING_MAPPING_NAMES",)
ROWS = (
    Task(
        name="document-image-question-answering",
        tag="document-question-answering",
        modality="image+text",
        auto_class="AutoModelForDocumentQuestionAnswering",
        classes=_TABLE,
        processors=("image", "tokenizer"),
        prepare=prepare_pages,
        forward=find_answer,
        read=page_answers,
        needs=("start_logits", "end_logits"),
        class_scores="start_logits",
        optional_parts=(POOLER,),
        suits=sees_pages,
    ),
    Task(
        name="document-question-answering",
        tag="document-question-answering",
        modality="text",
        auto_class="AutoModelForDocumentQuestionAnswering",
        classes=_TABLE,
        processors=("tokenizer",),
        prepare=prepare_pages,
        forward=find_answer,
        read=page_answers,
        needs=("start_logits", "end_logits"),
        class_scores="start_logits",
        optional_parts=(POOLER,),
    ),
)
