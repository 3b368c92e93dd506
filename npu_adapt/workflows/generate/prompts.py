"""What both sides are asked to go on from: texts in the model's own chat template, or a task's inputs as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.strangers import TEMPLATE_SECONDS, foreign_code
from npu_adapt.models.tasks import LoadedModel, Sample
from npu_adapt.models.tasks.task import accepted, preparing, require_known_tokens, sample_of
from npu_adapt.models.tasks.text import token_limit
from npu_adapt.models.texts import Text, texts
from npu_adapt.records import Fact
from npu_adapt.threads import within
from npu_adapt.workflows.generate.facts import setting
from npu_adapt.workflows.run.request import RunRequest

OF_THE_DECODER = "decoder_"  # inputs that a generation makes itself


@dataclass(frozen=True)
class Prompt:
    """One sample as `generate` takes it."""

    sample: Sample
    text: str  # empty: it is no text


def require_writer(loaded: LoadedModel) -> None:
    """Raises `UsageError` for a model that writes no tokens."""
    module: Any = loaded.module
    can = getattr(module, "can_generate", None)
    if not callable(getattr(module, "generate", None)) or (callable(can) and not can()):
        raise UsageError(
            Sentence(
                "{model} cannot generate: {architecture} writes no tokens",
                model=loaded.info.id,
                architecture=loaded.info.architecture,
            ),
            hint="leave --generate out, or name a model that writes: a language model, a translator, a transcriber",
        )


def prompts(
    loaded: LoadedModel, samples: tuple[Sample, ...], request: RunRequest
) -> tuple[tuple[Prompt, ...], tuple[Fact, ...]]:
    """One for each sample, and how they were made. Texts for a causal language model go through its chat template.

    Raises `UsageError` for an input that gives no tokens, and `ModelError` for a template that raises.
    """
    task = loaded.task
    if task.tag != "text-generation":
        return tuple(Prompt(_taken(loaded, sample), "") for sample in samples), ()
    given = texts(request.inputs, request.samples, request.seed)
    if not getattr(loaded.processor.tokenizer, "chat_template", None):
        made = tuple(Prompt(sample, text.text) for sample, text in zip(samples, given, strict=True))
        return made, (setting("no-chat-template"),)
    return (
        tuple(Prompt(_templated(loaded, text, given=bool(request.inputs)), text.text) for text in given),
        (setting("chat-template"),),
    )


def other_prompts(loaded: LoadedModel, count: int) -> Iterator[torch.Tensor]:
    """Token ids [tokens] of further default texts, to stand beside a prompt in its batch."""
    for text in texts((), count, 1):
        yield _templated(loaded, text, given=False).tensors["input_ids"][0]


def _taken(loaded: LoadedModel, sample: Sample) -> Sample:
    """What the model itself takes of a task's sample, without what a generation makes."""
    taken = accepted(loaded, sample.tensors)
    tensors = {name: tensor for name, tensor in taken.items() if not name.startswith(OF_THE_DECODER)}
    return Sample(tensors, sample.inputs, seconds=sample.seconds)


def _templated(loaded: LoadedModel, text: Text, *, given: bool) -> Sample:
    tokenizer = loaded.processor.tokenizer
    if not getattr(tokenizer, "chat_template", None):
        with preparing(loaded, text.origin, given=given):
            encoded = tokenizer(text.text, return_tensors="pt")
    else:
        with foreign_code("template", loaded.path):
            write = partial(
                tokenizer.apply_chat_template,
                [{"role": "user", "content": text.text}],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            )
            encoded = within(TEMPLATE_SECONDS, write)  # it is a program, and its loops may have no end
    if not encoded["input_ids"].shape[-1]:
        raise UsageError("the prompt gives no tokens", hint="give a text in the model's language")
    require_known_tokens(loaded, encoded["input_ids"])
    return sample_of(accepted(loaded, encoded), text.origin)


def require_room(loaded: LoadedModel, prompt: Prompt, count: int) -> None:
    """Raises `UsageError` where prompt and tokens are more than the model has positions for."""
    limit = _positions(loaded)
    ids = prompt.sample.tensors.get("input_ids")
    of_decoder = bool(getattr(loaded.config, "is_encoder_decoder", False))
    read = 1 if of_decoder or ids is None else int(ids.shape[-1])  # a decoder begins with one token of its own
    if limit is not None and read + count > limit:
        raise UsageError(
            Sentence(
                "the prompt has {read} tokens and --generate asks for {count} more; the model has {limit} positions",
                read=read,
                count=count,
                limit=limit,
            ),
            hint=Sentence("--generate {room}", room=limit - read) if limit > read else "give a shorter --input",
        )


def _positions(loaded: LoadedModel) -> int | None:
    """Of the decoder. None: the model says of none."""
    if getattr(loaded.config, "is_encoder_decoder", False):
        config = loaded.config
        names = ("max_target_positions", "max_position_embeddings")
        said = [getattr(getattr(config, "decoder", config), name, None) for name in names]
        known = [value for value in said if isinstance(value, int) and value > 0]
        return min(known, default=None)
    return token_limit(loaded)
