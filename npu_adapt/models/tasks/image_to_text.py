"""Tasks from a picture to a text: captions and recognised text, and chat about a picture."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import ModelError, Sentence
from npu_adapt.models.images import IMAGE_SUFFIXES, Picture, pictures
from npu_adapt.models.strangers import TEMPLATE_SECONDS, foreign_code
from npu_adapt.models.tasks.decoders import FIRST_STEP, first_step_tokens, start_token
from npu_adapt.models.tasks.image import SHIPPED_PICTURES, encode_picture
from npu_adapt.models.tasks.results import Outputs, present
from npu_adapt.models.tasks.task import (
    LoadedModel,
    Sample,
    Task,
    accepted,
    input_info,
    require_known_tokens,
)
from npu_adapt.models.tasks.text import encode_text, next_tokens
from npu_adapt.models.texts import Text
from npu_adapt.threads import within

PROMPT = "What is in this picture?"
# What configurations call the token that stands for a part of a picture.
_PICTURE_TOKENS = ("image_token_id", "image_token_index", "image_patch_id", "boi_token_id", "image_pad_token_id")


def picture_token(config: Any) -> int | None:
    """The token whose places in a prompt the picture's features take. None: the model reads pictures otherwise."""
    for name in _PICTURE_TOKENS:
        for each in (config, getattr(config, "text_config", None)):
            value = getattr(each, name, None)
            if isinstance(value, int):
                return value
    return None


def reads_pictures(config: Any) -> bool:
    """Whether the model has a part that reads pictures: transformers' tables list language models of the type too."""
    parts = [config, *(each for each in vars(config).values() if hasattr(each, "to_dict"))]
    return any(hasattr(part, name) for part in parts for name in ("image_size", "patch_size", "vision_config"))


def captions_alone(config: Any) -> bool:
    """Whether the model reads its picture beside the text, as TrOCR and BLIP do."""
    return picture_token(config) is None and reads_pictures(config)


def chats(config: Any) -> bool:
    """Whether the picture has its place in the prompt."""
    return picture_token(config) is not None and reads_pictures(config)


def prepare_captions(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """What the image processor makes of each picture, and the token that the text starts with."""
    taken = "decoder_input_ids" if loaded.config.is_encoder_decoder else "input_ids"
    start = torch.tensor([[start_token(loaded)]])
    prepared = []
    for picture in pictures(values, loaded.path / SHIPPED_PICTURES, samples, seed):
        encoded = accepted(loaded, encode_picture(loaded, picture, given=bool(values)))
        prepared.append(_sample({**encoded, taken: start}, picture.origin, "the token that the text starts with"))
    return tuple(prepared)


def prepare_prompts(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """Each picture in a prompt. Values that name picture files are pictures; another value is the prompt.

    The checkpoint's processor writes the prompt by its chat template. Where there is only a tokenizer, the prompt is
    read as it is, and the model itself says how many tokens a picture takes.
    """
    files = [value for value in values if Path(value).suffix.lower() in IMAGE_SUFFIXES]
    prompts = [value for value in values if value not in files] or [PROMPT]
    prepared = []
    for picture in pictures(files, loaded.path / SHIPPED_PICTURES, samples, seed):
        text = Text(prompts[0], "prompt given with --input" if prompts[0] != PROMPT else "default prompt")
        if (chatted := _chatted(loaded, picture, text)) is not None:
            prepared.append(chatted)
            continue
        encoded = dict(encode_picture(loaded, picture, given=bool(files)))
        words, origin = encode_text(loaded, text, given=prompts[0] != PROMPT)
        count = _features(loaded, encoded)
        prepared.append(_sample({**accepted(loaded, encoded), **_placed(loaded, words, count)}, picture.origin, origin))
    return tuple(prepared)


def _chatted(loaded: LoadedModel, picture: Picture, text: Text) -> Sample | None:
    """Picture and prompt as the checkpoint's own processor puts them together, by its chat template if it has one.

    None: it has no processor, or not with all that this transformers wants of one.
    """
    processor = loaded.processor.whole
    if processor is None:
        return None
    origin = text.origin
    try:
        if getattr(processor, "chat_template", None):
            content = [{"type": "image", "image": picture.image}, {"type": "text", "text": text.text}]
            write = partial(
                processor.apply_chat_template,
                [{"role": "user", "content": content}],
                add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
            )  # fmt: skip
            encoded = within(TEMPLATE_SECONDS, write)
            origin += ", by the chat template"
        else:
            words = f"{getattr(processor, 'image_token', '')}{text.text}"
            encoded = processor(images=picture.image, text=words, return_tensors="pt")
    except Exception:  # noqa: BLE001 - an old checkpoint's processor lacks sizes that it is asked for
        return None
    require_known_tokens(loaded, encoded["input_ids"])
    return _sample(accepted(loaded, encoded), picture.origin, origin)


def _placed(loaded: LoadedModel, words: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """The prompt's tokens with the picture's before the text, and after the token that begins a text."""
    ids, token = words["input_ids"], picture_token(loaded.config)
    assert token is not None
    begins = int(ids.shape[1] > 1 and int(ids[0, 0]) in set(loaded.processor.tokenizer.all_special_ids))
    places = torch.full((1, count), token, dtype=ids.dtype)
    ids = torch.cat([ids[:, :begins], places, ids[:, begins:]], dim=1)
    require_known_tokens(loaded, ids)
    kinds = (ids == token).to(ids.dtype)
    named = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    named |= dict.fromkeys(("mm_token_type_ids", "token_type_ids"), kinds)
    return accepted(loaded, named)


@torch.inference_mode()
def _features(loaded: LoadedModel, encoded: Mapping[str, Tensor]) -> int:
    """How many tokens the picture takes. Raises `ModelError` where the model does not tell."""
    base: Any = loaded.module
    if not hasattr(base, "get_image_features"):
        raise ModelError(
            Sentence("{name} does not tell how many tokens a picture takes", name=loaded.info.architecture),
            hint="write an adapter that prepares its inputs: npu-adapt compare FILE.py --weights DIR",
        )
    taken = inspect.signature(base.get_image_features).parameters
    with foreign_code("default input", loaded.path):
        wide = {
            name: tensor.to(loaded.dtype) if tensor.is_floating_point() else tensor for name, tensor in encoded.items()
        }
        result = base.get_image_features(**{name: tensor for name, tensor in wide.items() if name in taken})
        return _rows(result)


def _rows(result: Any) -> int:
    """The number of feature vectors in what `get_image_features` returns, in any of the shapes it comes in."""
    pooled = getattr(result, "pooler_output", None)
    result = pooled if pooled is not None else getattr(result, "last_hidden_state", result)
    if isinstance(result, Tensor):
        return int(result.numel() // result.shape[-1])
    return sum(_rows(each) for each in result)


def _sample(tensors: Mapping[str, Tensor], origin: str, text_origin: str) -> Sample:
    made = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    words = ("input_ids", "decoder_input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids")
    inputs = tuple(input_info(name, tensor, text_origin if name in words else origin) for name, tensor in made.items())
    return Sample(made, inputs)


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
