"""Tasks from a picture to a text: captions and recognised text, and chat about a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import Sentence
from npu_adapt.models.images import IMAGE_SUFFIXES, pictures
from npu_adapt.models.tasks.decoders import FIRST_STEP, first_step_tokens, start_token
from npu_adapt.models.tasks.encoding import encode_picture
from npu_adapt.models.tasks.image import SHIPPED_PICTURES
from npu_adapt.models.tasks.prompts import PICTURE, asked, in_prompt, prompt_sample, token_of
from npu_adapt.models.tasks.results import Outputs, present
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, accepted
from npu_adapt.models.tasks.text import next_tokens

PROMPT = "What is in this picture?"


_OF_PICTURES = ("image_size", "patch_size", "vision_config")


def reads_pictures(config: Any) -> bool:
    """Whether the model has a part that reads pictures: transformers' tables list language models of the type too."""
    parts = [config, *(each for each in vars(config).values() if hasattr(each, "to_dict"))]
    return any(getattr(part, name, None) is not None for part in parts for name in _OF_PICTURES)


def captions_alone(config: Any) -> bool:
    """Whether the model reads its picture beside the text, as TrOCR and BLIP do."""
    return token_of(config, PICTURE) is None and reads_pictures(config)


def chats(config: Any) -> bool:
    """Whether the picture has its place in the prompt."""
    return token_of(config, PICTURE) is not None and reads_pictures(config)


def prepare_captions(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """What the image processor makes of each picture, and the token that the text starts with."""
    taken = "decoder_input_ids" if loaded.config.is_encoder_decoder else "input_ids"
    start = torch.tensor([[start_token(loaded)]])
    prepared = []
    for picture in pictures(values, loaded.path / SHIPPED_PICTURES, samples, seed):
        encoded = accepted(loaded, encode_picture(loaded, picture, given=bool(values)))
        prepared.append(
            prompt_sample({**encoded, taken: start}, picture.origin, Sentence("the token that the text starts with"))
        )
    return tuple(prepared)


def prepare_prompts(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """Each picture in a prompt. Values that name picture files are pictures; another value is the prompt."""
    prompt = asked(values, IMAGE_SUFFIXES, PROMPT)
    found = pictures(prompt.files, loaded.path / SHIPPED_PICTURES, samples, seed)
    encode = partial(encode_picture, loaded, given=bool(prompt.files))
    return tuple(in_prompt(loaded, PICTURE, each.image, each.origin, prompt, partial(encode, each)) for each in found)


def caption(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """The encoder's state where the result holds it, and the logits after the start token [1, vocabulary]."""
    result = module(**tensors)
    found = present(result, ("encoder_last_hidden_state", "image_embeds", "last_hidden_state", "logits"))
    return {**found, FIRST_STEP: found["logits"][:, -1]} if "logits" in found else found


def chat(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` of all positions [1, tokens, vocabulary] and those of the next token."""
    result = module(**tensors)
    found = present(result, ("logits",))
    return {**found, "next_token_logits": found["logits"][:, -1]} if "logits" in found else found


_TABLES = ("MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES", "MODEL_FOR_VISION_2_SEQ_MAPPING_NAMES")
ROWS = (
    Task(
        name="image-to-text",
        tag="image-to-text",
        modality="image",
        auto_class="AutoModelForImageTextToText",
        classes=_TABLES,
        processors=("image", "tokenizer"),
        prepare=prepare_captions,
        forward=caption,
        read=first_step_tokens,
        needs=(FIRST_STEP,),
        class_scores=FIRST_STEP,
        suits=captions_alone,
    ),
    Task(
        name="image-text-to-text",
        tag="image-text-to-text",
        modality="image+text",
        auto_class="AutoModelForImageTextToText",
        classes=_TABLES,
        processors=("image", "tokenizer", "whole"),
        prepare=prepare_prompts,
        forward=chat,
        read=next_tokens,
        needs=("next_token_logits",),
        class_scores="next_token_logits",
        suits=chats,
    ),
)
