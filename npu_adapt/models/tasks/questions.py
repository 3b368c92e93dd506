"""Tasks on a question and a passage: the answer is a span of the passage, or how well the passage fits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks.image import POOLER, with_hidden_state
from npu_adapt.models.tasks.results import Outputs
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, accepted, preparing, require_known_tokens, sample_of
from npu_adapt.models.tasks.text import cut_said, token_limit
from npu_adapt.models.texts import read_text
from npu_adapt.records import Prediction

QUESTIONS = (
    ("When does the train leave?", "The train leaves at nine and arrives a little after noon."),
    ("Where does water boil earlier?", "Water boils at a lower temperature on a high mountain."),
    ("What was rebuilt in stone?", "In the spring of that year the bridge was rebuilt in stone, two spans longer."),
    ("What did the travellers have left?", "Bread, salt and clear water were all that the travellers had left."),
)
LONGEST_ANSWER = 15  # tokens, as transformers' pipeline has it
ANSWERS = 5
ENDS = ("start_logits", "end_logits")
_QUESTION = re.compile(r"(.+?[?？؟])\s*(.+)", re.DOTALL)


@dataclass(frozen=True)
class Asked:
    """A question, the passage that answers it, and where both are from."""

    question: str
    passage: str
    origin: str


def questions(values: Sequence[str], samples: int, seed: int) -> tuple[Asked, ...]:
    """Those given, each "QUESTION? PASSAGE" (or a file that holds that); without any, `samples` default ones.

    Raises `UsageError` for a text without a question mark and a passage after it.
    """
    if not values:
        numbers = range(seed, seed + samples)
        return tuple(
            Asked(*QUESTIONS[n % len(QUESTIONS)], Sentence("default question {number}", number=n)) for n in numbers
        )
    found = []
    for text in map(read_text, values):
        parts = _QUESTION.fullmatch(text.text.strip())
        if parts is None:
            raise UsageError(
                Sentence("the input {text!r} is not a question and a passage", text=text.text[:40]),
                hint='give both in one text, the question first: --input "Who came? Ann came at noon."',
            )
        found.append(Asked(parts[1], parts[2], text.origin))
    return tuple(found)


def prepare_questions(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`input_ids` [1, tokens] of question and passage, and what else the tokenizer gives; the passage is cut to fit."""
    limit = token_limit(loaded)
    cut = {} if limit is None else {"truncation": "only_second", "max_length": limit}
    prepared = []
    for asked in questions(values, samples, seed):
        with preparing(loaded, asked.origin, given=bool(values)):
            labels = (asked.question, asked.passage)
            encoded = loaded.processor.tokenizer(*labels, return_tensors="pt", **cut)
            origin = cut_said(loaded, asked.origin, encoded, limit, [asked.question], [asked.passage])
        require_known_tokens(loaded, encoded["input_ids"])
        prepared.append(sample_of(accepted(loaded, encoded), origin, labels=labels))
    return tuple(prepared)


def find_answer(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`start_logits` and `end_logits` [1, tokens], and the base model's `last_hidden_state`."""
    return with_hidden_state(module, tensors, ENDS)


def answers(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five best spans of the passage, of at most 15 tokens: its words, and the product of both ends' probabilities.

    By the rule of transformers' pipeline (version 4; 5 has none): the question is no answer, the first token takes its
    part of the probability, and spans of the same words are one.
    """
    with foreign_code("predictions", loaded.info.architecture):
        passage = Passage.of(loaded.processor.tokenizer, sample.labels, sample.tensors["input_ids"].shape[1])
    found: dict[str, tuple[float, int, str]] = {}
    for score, first, last in best_spans(loaded, sample, outputs, passage.holds, 2 * ANSWERS + 10):
        text = passage.words(first, last)
        summed, earlier, shown = found.get(text.lower(), (0.0, first, text))
        found[text.lower()] = (summed + score, earlier, shown)
    ranked = sorted(found.values(), key=lambda each: -each[0])[:ANSWERS]
    return tuple(Prediction(label=text, index=first, score=score, sample=sample_index) for score, first, text in ranked)


def best_spans(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], holds: tuple[bool, ...], count: int
) -> list[tuple[float, int, int]]:
    """Up to `count` spans of tokens that `holds` says are the passage's: probability, first token, last token."""
    start, end = (_probabilities(outputs[name][0].double(), sample, holds, loaded) for name in ENDS)
    scores = (start[:, None] * end[None, :]).triu().tril(LONGEST_ANSWER - 1)
    best = scores.flatten().topk(min(count, scores.numel()))
    spans = [divmod(place, len(holds)) for place in best.indices.tolist()]
    scored = zip(best.values.tolist(), spans, strict=True)
    return [(score, first, last) for score, (first, last) in scored if holds[first] and holds[last]]


def _probabilities(logits: Tensor, sample: Sample, holds: tuple[bool, ...], loaded: LoadedModel) -> Tensor:
    """Of each token to be an end of the answer; the token that stands for "no answer" has its part, and is none."""
    counted = torch.tensor(holds)
    no_answer = loaded.processor.tokenizer.cls_token_id
    if no_answer is not None:
        counted |= sample.tensors["input_ids"][0] == no_answer
    words = logits[: len(counted)]  # LayoutLMv3 scores the parts of the picture behind them
    result = words.masked_fill(~counted, -10000.0).softmax(-1)
    result[0] = 0.0
    return result


@dataclass(frozen=True)
class Passage:
    """Where the passage stands among a sample's tokens."""

    text: str
    encoding: Any  # of the tokenizers library
    holds: tuple[bool, ...]  # for each token, whether it is the passage's

    @classmethod
    def of(cls, tokenizer: Any, labels: tuple[str, ...], count: int) -> Passage:
        """The passage in the first `count` tokens, of the question and the passage in `labels`."""
        question, text = labels
        encoding = tokenizer(question, text, truncation="only_second", max_length=count).encodings[0]
        return cls(text, encoding, tuple(part == 1 for part in encoding.sequence_ids))

    def words(self, first: int, last: int) -> str:
        """The words of the passage that the tokens are parts of; the tokens alone where a tokenizer knows no words."""
        try:
            start, _ = self.encoding.word_to_chars(self.encoding.token_to_word(first), sequence_index=1)
            _, end = self.encoding.word_to_chars(self.encoding.token_to_word(last), sequence_index=1)
        except Exception:  # noqa: BLE001 - as the pipeline does
            start, end = self.encoding.offsets[first][0], self.encoding.offsets[last][1]
        return self.text[start:end]


ROWS = (
    Task(
        name="question-answering",
        tag="question-answering",
        modality="text",
        auto_class="AutoModelForQuestionAnswering",
        classes=("MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES",),
        processors=("tokenizer",),
        prepare=prepare_questions,
        forward=find_answer,
        read=answers,
        needs=ENDS,
        class_scores="start_logits",
        optional_parts=(POOLER,),
    ),
)
