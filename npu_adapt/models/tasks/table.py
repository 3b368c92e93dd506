"""The table of tasks, and which row a checkpoint belongs to."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from npu_adapt.errors import ModelError, Sentence, UsageError
from npu_adapt.models.tasks import (
    audio,
    audio_text,
    documents,
    image,
    image_text,
    image_to_text,
    maps,
    questions,
    sentences,
    series,
    speaking,
    text,
    text_to_text,
    video,
)
from npu_adapt.models.tasks.anything import ANYTHING, matches, reads_for, row_of_class
from npu_adapt.models.tasks.plugins import plugins
from npu_adapt.models.tasks.prompts import PICTURE, SOUND, token_of
from npu_adapt.models.tasks.task import Task

ROWS = (
    *image_text.ROWS, *image.ROWS, *image_to_text.ROWS, *audio_text.ROWS, *audio.ROWS, *text_to_text.ROWS,
    *sentences.ROWS, *text.ROWS, *documents.ROWS, *questions.ROWS, *speaking.ROWS,
    *maps.ROWS, *video.ROWS, *series.ROWS, ANYTHING,
)  # fmt: skip
TASKS = {row.name: row for row in ROWS}

# Where a checkpoint names no head, its model type tells what it takes: transformers' own tables, asked in this order.
_FEATURE_ROWS = (
    ("image_processing_auto", "IMAGE_PROCESSOR_MAPPING_NAMES", "image-feature-extraction"),
    ("feature_extraction_auto", "FEATURE_EXTRACTOR_MAPPING_NAMES", "audio-feature-extraction"),
    ("tokenization_auto", "TOKENIZER_MAPPING_NAMES", "feature-extraction"),
)


def choose_task(config: Any, asked: str | None, path: Path | None = None) -> Task:
    """The row for a checkpoint: the one asked for, else the one of its architecture or model type.

    A checkpoint of sentence-transformers in `path` brings the pooling of its row. Raises `UsageError` for an unknown
    name and `ModelError` where nothing can be inferred.
    """
    if path is not None and sentences.has_modules(path) and (asked is None or sentences.SIMILARITY.has_tag(asked)):
        return sentences.sentence_row(sentences.SIMILARITY, path)
    rows = [row for row in every_row() if _suits(row, config)]
    architectures = tuple(getattr(config, "architectures", None) or ())
    if asked is not None:
        return (asked == ANYTHING.name and _row_of_class(architectures)) or _asked(rows, config, asked)
    for row in rows:
        if any(name in _class_names(row, config.model_type) and reads_for(name, row) for name in architectures):
            return _built(row, config)
    for row in rows:
        if row.classes and row.auto_class in _own_code(config):
            return row
    for row in rows:  # timm's own configurations name no class of transformers, and 0 classes where there is no head
        if row.model_types and row.class_scores and not architectures and config.num_labels:
            return row
    return _language_model(architectures) or _by_model_type(config, architectures)


def _language_model(architectures: tuple[str, ...]) -> Task | None:
    """The row of a language model that transformers' tables have elsewhere: Mistral 4's, among those that see.

    None: no class is called one, or transformers has none of that name.
    """
    import transformers

    names = [name for name in architectures if name.endswith("ForCausalLM") and hasattr(transformers, name)]
    return dataclasses.replace(TASKS["text-generation"], auto_class=names[0]) if names else None


def _suits(row: Task, config: Any) -> bool:
    return (not row.model_types or config.model_type in row.model_types) and (row.suits is None or row.suits(config))


def every_row() -> tuple[Task, ...]:
    """The rows here, then those of plug-ins."""
    return (*ROWS, *plugins().rows)


def require_task_name(name: str | None) -> None:
    """Raises `UsageError` unless `name` is None, a row or a pipeline tag of one."""
    if name is None or name in TASKS:
        return
    known = sorted({known for row in every_row() for known in (row.name, row.tag, *row.further_tags)})
    if name in known:
        return
    raise UsageError(
        Sentence("unknown task {name!r}", name=name), hint=Sentence("one of: {names}", names=", ".join(known))
    )


def _asked(rows: list[Task], config: Any, asked: str) -> Task:
    """Rows of one tag are told apart by what the model type can be."""
    require_task_name(asked)
    for row in rows:
        if row.has_tag(asked) and _can_do(row, config):
            return _built(row, config)
    raise UsageError(
        Sentence("a model of type {model_type!r} cannot do {asked}", model_type=config.model_type, asked=asked),
        hint="leave --task out, or see --help",
    )


def _can_do(row: Task, config: Any) -> bool:
    if row.auto_class in _own_code(config):
        return True
    return bool(_class_names(row, config.model_type)) if row.classes else row is _feature_row(config.model_type)


def _built(row: Task, config: Any) -> Task:
    """The row with the class that builds the model, where no auto class does for all model types of the row."""
    names = () if row.auto_class else _class_names(row, config.model_type)
    return dataclasses.replace(row, auto_class=names[0]) if names else row


def _own_code(config: Any) -> Mapping[str, str]:
    """The classes that a checkpoint brings with it: transformers' auto class -> its class. Mostly empty."""
    return getattr(config, "auto_map", None) or {}


def _class_names(row: Task, model_type: str) -> tuple[str, ...]:
    """The names of the classes that do the row's task for a model type, from transformers' tables."""
    from transformers.models.auto import modeling_auto

    names: list[str] = []
    for table in row.classes:
        found = getattr(modeling_auto, table, {}).get(model_type, ())
        names += [found] if isinstance(found, str) else [*found]
    return tuple(names)


# Where no table knows the model type, what its class calls its main input tells.
_MAIN_INPUTS = {
    "input_ids": "feature-extraction",
    "pixel_values": "image-feature-extraction",
    "input_values": "audio-feature-extraction",
    "input_features": "audio-feature-extraction",
}


def _by_model_type(config: Any, architectures: tuple[str, ...]) -> Task:
    from transformers.models.auto import modeling_auto

    bases = _as_names(modeling_auto.MODEL_MAPPING_NAMES.get(config.model_type, ()))
    pretraining = _as_names(modeling_auto.MODEL_FOR_PRETRAINING_MAPPING_NAMES.get(config.model_type, ()))
    row = _feature_row(config.model_type)
    is_base = not architectures or ({*bases, *pretraining} & {*architectures} and not any(map(matches, architectures)))
    own = _row_of_class(architectures)
    if row is not None and bases and is_base and not (own and _reads_more(own, row, config)):
        return row
    if own is not None:
        return own
    if row is None or not is_base:
        named = ", ".join(architectures) or Sentence("the model type {model_type!r}", model_type=config.model_type)
        raise ModelError(
            Sentence("no task can be inferred from {named}", named=named),
            hint=Sentence("give --task, one of: {names}", names=", ".join(TASKS)),
        )
    return row


def _reads_more(own: Task, row: Task, config: Any) -> bool:
    """Whether a class reads what the row does not give it, beside a text and not in the middle of it."""
    more = {*own.processors} - {*row.processors}
    return (
        ("image" in more and token_of(config, PICTURE) is None)
        or ("audio" in more and token_of(config, SOUND) is None)
        or ("tokenizer" in more and bool(_processors_of(config)))
    )


def _processors_of(config: Any) -> str | None:
    """The processor of several parts that transformers has for the model type. None: it has none."""
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    name: str | None = PROCESSOR_MAPPING_NAMES.get(config.model_type)
    return name


def _row_of_class(architectures: tuple[str, ...]) -> Task | None:
    """The row for a class of transformers that no table of its has. None: there is no such class."""
    return next((row for name in architectures if (row := row_of_class(name)) is not None), None)


def _as_names(found: Any) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else tuple(found)


def _feature_row(model_type: str) -> Task | None:
    """The row of a base model, by what its class calls its main input, else by the processors of its model type."""
    import importlib

    main_input = _main_input(model_type)
    if main_input in _MAIN_INPUTS:
        return TASKS[_MAIN_INPUTS[main_input]]
    for module, table, name in _FEATURE_ROWS:
        names = getattr(importlib.import_module(f"transformers.models.auto.{module}"), table)
        if names.get(model_type):
            return TASKS[name]
    return None


def _main_input(model_type: str) -> str | None:
    """What the base model's class calls its main input. None: there is no such class, or it cannot be imported."""
    from contextlib import suppress

    import transformers
    from transformers.models.auto import modeling_auto

    for name in _as_names(modeling_auto.MODEL_MAPPING_NAMES.get(model_type, ())):
        with suppress(Exception):  # a library that the class needs is missing: it is said where the model is built
            kind = getattr(transformers, name)
            taken = inspect.signature(kind.forward).parameters
            return (
                kind.main_input_name if kind.main_input_name in taken else next(n for n in taken if n in _MAIN_INPUTS)
            )
    return None
