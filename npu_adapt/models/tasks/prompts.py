"""Prompts in which a picture or a sound has its place: who writes them, and how many tokens its features take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import ModelError, Sentence
from npu_adapt.models.strangers import TEMPLATE_SECONDS, foreign_code
from npu_adapt.models.tasks.completing import masks
from npu_adapt.models.tasks.nested import configs
from npu_adapt.models.tasks.task import (
    LoadedModel,
    Sample,
    accepted,
    input_info,
    named_for,
    require_known_tokens,
    required,
)
from npu_adapt.models.tasks.text import encode_text
from npu_adapt.models.texts import Text
from npu_adapt.threads import within


@dataclass(frozen=True)
class Medium:
    """What has its place in a prompt, by the names that transformers gives to all that belongs to it."""

    part: str  # of a chat's message
    argument: str  # of a processor
    tokens: tuple[str, ...]  # what configurations call the token whose places its features take
    features: tuple[str, ...]  # the methods that give them


PICTURE = Medium(
    "image",
    "images",
    ("image_token_id", "image_token_index", "image_patch_id", "boi_token_id", "image_pad_token_id"),
    ("get_image_features",),
)
SOUND = Medium("audio", "audio", ("audio_token_id", "audio_token_index"), ("get_audio_features", "get_audio_embeds"))


def token_of(config: Any, medium: Medium) -> int | None:
    """The token whose places in a prompt the medium's features take. None: the model reads it otherwise."""
    found = (getattr(each, name, None) for name in medium.tokens for each in configs(config))
    return next((value for value in found if isinstance(value, int)), None)


@dataclass(frozen=True)
class Asked:
    """The files that values name, and the prompt beside them: another value, else the default."""

    files: tuple[str, ...]
    text: Text
    is_given: bool  # whether the prompt is the user's


def asked(values: Sequence[str], suffixes: Collection[str], default: str) -> Asked:
    """Values that name files of these suffixes are those files; the first other one is the prompt."""
    files = tuple(value for value in values if Path(value).suffix.lower() in suffixes)
    prompts = [value for value in values if value not in files]
    if prompts:
        return Asked(files, Text(prompts[0], Sentence("prompt given with --input")), is_given=True)
    return Asked(files, Text(default, Sentence("default prompt")), is_given=False)


def in_prompt(
    loaded: LoadedModel,
    medium: Medium,
    value: Any,
    origin: str,
    prompt: Asked,
    encode: Callable[[], Mapping[str, Tensor]],
) -> Sample:
    """A picture or sound in the prompt.

    The checkpoint's processor writes it by its chat template. Where there is only a tokenizer, the prompt is read as it
    is, `encode` gives the medium's own tensors, and the model itself says how many tokens it takes.
    """
    found = chatted(loaded, medium, value, prompt.text)
    if found is None:
        words, text_origin = encode_text(loaded, prompt.text, given=prompt.is_given)
        found = placed(loaded, medium, encode(), words), text_origin
    return prompt_sample(found[0], origin, found[1])


def chatted(loaded: LoadedModel, medium: Medium, value: Any, text: Text) -> tuple[dict[str, Tensor], str] | None:
    """The medium's `value` and the text as the checkpoint's own processor puts them together, and the text's origin.

    By its chat template if it has one. None: it has no processor, not with all that this transformers wants of one, or
    one that leaves the medium out of the prompt.
    """
    processor = loaded.processor.whole
    if processor is None:
        return None
    origin = text.origin
    try:
        if medium is PICTURE and hasattr(processor, "process_images"):  # of a page to be found
            encoded = processor.process_images([value], return_tensors="pt")
            origin = Sentence("the processor's own prompt")
        elif getattr(processor, "chat_template", None):
            content = [{"type": medium.part, medium.part: value}, {"type": "text", "text": text.text}]
            write = partial(
                processor.apply_chat_template,
                [{"role": "user", "content": content}],
                add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
            )  # fmt: skip
            encoded = within(TEMPLATE_SECONDS, write)
            origin = Sentence("{origin}, by the chat template", origin=origin)
        else:
            words = f"{getattr(processor, f'{medium.part}_token', '')}{text.text}"
            encoded = processor(text=words, return_tensors="pt", **{medium.argument: value})
        ids = encoded["input_ids"]
    except Exception:  # noqa: BLE001 - an old checkpoint's processor lacks sizes that it is asked for
        return None
    token = token_of(loaded.config, medium)
    if not isinstance(ids, Tensor) or (token is not None and not bool((ids == token).any())):
        return None
    require_known_tokens(loaded, ids)
    return accepted(loaded, encoded), origin


def placed(
    loaded: LoadedModel, medium: Medium, encoded: Mapping[str, Tensor], words: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The prompt's tokens with the medium's before the text, and after the token that begins a text.

    `encoded` is what its processor made of the medium; the model itself says how many tokens that takes.
    """
    token = token_of(loaded.config, medium)
    assert token is not None
    ids = words["input_ids"]
    begins = int(ids.shape[1] > 1 and int(ids[0, 0]) in set(loaded.processor.tokenizer.all_special_ids))
    asked = {f"qformer_{name}": tensor for name, tensor in words.items()}  # read beside the medium by some models
    encoded = {name: tensor for name, tensor in {**asked, **encoded}.items() if isinstance(tensor, Tensor)}
    method = _feature_method(loaded, medium)
    encoded |= masks(set(required(method)) - encoded.keys(), encoded)
    places = torch.full((1, _feature_count(loaded, method, encoded)), token, dtype=ids.dtype)
    ids = torch.cat([ids[:, :begins], places, ids[:, begins:]], dim=1)
    require_known_tokens(loaded, ids)
    kinds = (ids == token).to(ids.dtype)
    named = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    named |= dict.fromkeys(("mm_token_type_ids", "token_type_ids"), kinds)
    return {**accepted(loaded, encoded), **accepted(loaded, named)}


@torch.inference_mode()
def _feature_count(loaded: LoadedModel, method: Callable[..., Any], encoded: Mapping[str, Tensor]) -> int:
    """How many feature vectors the model makes of what its processor gave."""
    with foreign_code("default input", loaded.path):
        wide = {
            name: tensor.to(loaded.dtype) if tensor.is_floating_point() else tensor for name, tensor in encoded.items()
        }
        return _rows(method(**named_for(inspect.signature(method).parameters, wide)))


def _feature_method(loaded: LoadedModel, medium: Medium) -> Callable[..., Any]:
    """What gives the medium's features: of the model, or of a part of it. Raises `ModelError`: neither has it."""
    module: Any = loaded.module
    parts = [module, *module.children()]
    found = [getattr(part, name) for part in parts for name in medium.features if hasattr(part, name)]
    if found:  # the outer model's may only pass on whatever it is given
        return next((method for method in found if "args" not in inspect.signature(method).parameters), found[0])  # type: ignore[no-any-return]
    raise ModelError(
        Sentence("{name} does not tell how many tokens a picture takes", name=loaded.info.architecture)
        if medium is PICTURE
        else Sentence("{name} does not tell how many tokens a sound takes", name=loaded.info.architecture),
        hint="write an adapter that prepares its inputs: npu-adapt compare FILE.py --weights DIR",
    )


def _rows(result: Any) -> int:
    """The number of feature vectors in what a method returns, in any of the shapes it comes in."""
    pooled = getattr(result, "pooler_output", None)
    result = pooled if pooled is not None else getattr(result, "last_hidden_state", result)
    if isinstance(result, Tensor):
        return int(result.numel() // result.shape[-1])
    return sum(_rows(each) for each in result)


def prompt_sample(tensors: Mapping[str, Tensor], origin: str, text_origin: str) -> Sample:
    """The sample of a medium from `origin` and words from `text_origin`."""
    made = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    words = ("input_ids", "decoder_input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids")
    inputs = tuple(input_info(name, tensor, text_origin if name in words else origin) for name, tensor in made.items())
    return Sample(made, inputs)
