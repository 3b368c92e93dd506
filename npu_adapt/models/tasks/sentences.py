"""Tasks on several texts at once: how alike sentences are, and which passage fits a query best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.tasks.image import POOLER
from npu_adapt.models.tasks.pooling import MODULES, Pooling, read_pooling
from npu_adapt.models.tasks.questions import QUESTIONS
from npu_adapt.models.tasks.results import Outputs, present
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, accepted, preparing, require_known_tokens, sample_of
from npu_adapt.models.tasks.text import cut_said, token_limit
from npu_adapt.models.texts import Text, read_text, sentence
from npu_adapt.records import Prediction

EMBEDDING, SCORES = "sentence_embedding", "scores"
COMPARED = 3  # texts that the first one is held against, where none are given


def prepare_sentences(
    loaded: LoadedModel, values: Sequence[str], samples: int, seed: int, *, pooling: Pooling | None = None
) -> tuple[Sample, ...]:
    """`input_ids` [texts, tokens] and their mask: the first text given and those that it is compared with, if any."""
    groups = sentence_groups(values, samples, seed)
    prefix = pooling.prompt if pooling else ""
    limit = min((each for each in (token_limit(loaded), pooling and pooling.longest) if each), default=None)
    prepared = []
    for given in groups:
        texts = [text.text for text in given]
        origin = origin_of(given)
        with preparing(loaded, origin, given=bool(values)):
            encoded, origin = _encoded(loaded, [prefix + text for text in texts], None, limit, origin)
        prepared.append(_sample(loaded, encoded, origin, texts))
    return tuple(prepared)


def prepare_passages(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`input_ids` [passages, tokens] of the query, which is the first value, with each passage, and their mask."""
    prepared = []
    for given in passage_groups(values, samples, seed):
        query, *rest = (text.text for text in given)
        origin = origin_of(given)
        with preparing(loaded, origin, given=bool(values)):
            encoded, origin = _encoded(loaded, [query] * len(rest), rest, token_limit(loaded), origin)
        prepared.append(_sample(loaded, encoded, origin, rest))
    return tuple(prepared)


def sentence_groups(values: Sequence[str], samples: int, seed: int) -> list[list[Text]]:
    """The texts given as one group; without any, `samples` default ones of one text and those it is held against."""
    if values:
        return [[read_text(value) for value in values]]
    return [[sentence(first + n) for n in range(1 + COMPARED)] for first in range(seed, seed + samples)]


def passage_groups(values: Sequence[str], samples: int, seed: int) -> list[list[Text]]:
    """The query given and its passages as one group; without any, `samples` default ones. Raises `UsageError`."""
    if values:
        return [_at_least_two([read_text(value) for value in values])]
    passages = [passage for _, passage in QUESTIONS]
    return [_default_group(number, passages) for number in range(seed, seed + samples)]


def _default_group(number: int, passages: Sequence[str]) -> list[Text]:
    query = QUESTIONS[number % len(QUESTIONS)][0]
    return [Text(text, Sentence("default query {number}", number=number)) for text in (query, *passages)]


def _at_least_two(texts: list[Text]) -> list[Text]:
    if len(texts) < 2:
        raise UsageError(
            Sentence("one text alone has nothing to be compared with"),
            hint="give --input more than once: first the query, then its passages",
        )
    return texts


def origin_of(texts: Sequence[Text]) -> str:
    """Where the texts came from, each place once."""
    return Sentence.joined("; ", dict.fromkeys(text.origin for text in texts))


def _encoded(
    loaded: LoadedModel, texts: list[str], pairs: list[str] | None, limit: int | None, origin: str
) -> tuple[Mapping[str, Tensor], str]:
    """The tokens, and where they are from."""
    cut = {} if limit is None else {"truncation": True, "max_length": limit}
    encoded: Mapping[str, Tensor] = loaded.processor.tokenizer(texts, pairs, padding=True, return_tensors="pt", **cut)
    return encoded, cut_said(loaded, origin, encoded, limit, texts, pairs)


def _sample(loaded: LoadedModel, encoded: Mapping[str, Tensor], origin: str, labels: Sequence[str]) -> Sample:
    require_known_tokens(loaded, encoded["input_ids"])
    return sample_of(accepted(loaded, encoded), origin, labels=tuple(labels))


def embed(module: torch.nn.Module, tensors: Mapping[str, Tensor], *, pooling: Pooling) -> Outputs:
    """`sentence_embedding` [texts, width], pooled over each text's own tokens as the checkpoint says."""
    state = present(module(**tensors), ("last_hidden_state",))["last_hidden_state"]
    mask = tensors.get("attention_mask", torch.ones(state.shape[:2], dtype=torch.long, device=state.device))
    return {EMBEDDING: pooling.apply(state, mask)}


def rank(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`scores` [1, passages]."""
    return {SCORES: module(**tensors).logits[:, 0][None]}


def similarities(
    _loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The texts by their cosine with the first one."""
    embedding = torch.nn.functional.normalize(outputs[EMBEDDING].double(), dim=-1)
    cosines = embedding[1:] @ embedding[0]
    return tuple(
        Prediction(label=sample.labels[1 + index], index=index, score=float(cosines[index]), sample=sample_index)
        for index in cosines.argsort(descending=True)[:5].tolist()
    )


def best_passages(
    _loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The passages by the probability that they answer the query."""
    scores = outputs[SCORES][0].double().sigmoid()
    return tuple(
        Prediction(label=sample.labels[index], index=index, score=float(scores[index]), sample=sample_index)
        for index in scores.argsort(descending=True)[:5].tolist()
    )


def is_ranker(config: Any) -> bool:
    """Whether a classifier has the one class of a cross-encoder, and does not say that it means a number."""
    return getattr(config, "num_labels", 0) == 1 and getattr(config, "problem_type", None) is None


def sentence_row(row: Task, path: Path) -> Task:
    """The row with the pooling of the checkpoint in `path`. Raises `ModelError` for a module that is not known."""
    pooling = read_pooling(path)
    return replace(row, prepare=partial(prepare_sentences, pooling=pooling), forward=partial(embed, pooling=pooling))


def has_modules(path: Path) -> bool:
    """Whether the folder is a checkpoint of sentence-transformers."""
    return (path / MODULES).is_file()


SIMILARITY = Task(
    name="sentence-similarity",
    tag="sentence-similarity",
    modality="text",
    auto_class="AutoModel",
    classes=(),
    processors=("tokenizer",),
    prepare=prepare_sentences,
    forward=partial(embed, pooling=Pooling("mean")),
    read=similarities,
    needs=(EMBEDDING,),
    optional_parts=(POOLER,),
)
ROWS = (
    SIMILARITY,
    Task(
        name="text-ranking",
        tag="text-ranking",
        modality="text",
        auto_class="AutoModelForSequenceClassification",
        classes=("MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES",),
        processors=("tokenizer",),
        prepare=prepare_passages,
        forward=rank,
        read=best_passages,
        needs=(SCORES,),
        class_scores=SCORES,
        suits=is_ranker,
    ),
)
