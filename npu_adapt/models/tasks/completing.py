"""Inputs that a forward needs beside what a processor gives: a decoder's first tokens, masks, where words stand."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from npu_adapt.errors import Sentence
from npu_adapt.models.tasks.decoders import may_start_token
from npu_adapt.models.tasks.described import LENGTH, described, documented
from npu_adapt.models.tasks.task import LoadedModel, Sample, input_info, required
from npu_adapt.records.run import COMPLETED_ORIGIN

ROW_OF_WORDS = 10  # words on one line of the page that their boxes are laid out on
_MAIN = ("input_ids", "pixel_values", "input_features", "input_values", "pixel_values_videos")
_FRAMES = re.compile(r"features?_(attention_)?mask$")  # whatever its default: encoders of sounds count by it
_MASK = re.compile(r"(^|_)(attention_)?masks?$")


def completed(loaded: LoadedModel, sample: Sample, seed: int = 0) -> Sample:
    """The sample with what the forward needs beside it: what it cannot do without, and what only a model's code asks.

    A decoder is given its start token, a mask that nothing is left out, and words their places on a page; the rest is
    made as the forward's documentation describes it, numbers drawn from `seed`.
    """
    added = _added(loaded, sample.tensors, seed)
    if not added:
        return sample
    infos = tuple(input_info(name, tensor, Sentence(COMPLETED_ORIGIN)) for name, tensor in added.items())
    return dataclasses.replace(sample, tensors={**sample.tensors, **added}, inputs=(*sample.inputs, *infos))


def _added(loaded: LoadedModel, tensors: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    taken = inspect.signature(loaded.module.forward).parameters
    needed = [name for name in required(loaded.module.forward) if name not in tensors]
    asked = [name for name in taken if name not in tensors and (name in needed or _FRAMES.search(name))]
    found = masks(asked, tensors)
    main = main_input(tensors)
    length = main.shape[1] if main is not None and main.dim() == 2 else LENGTH
    if not tensors and not needed:  # a forward that asks for nothing by itself cannot do without all
        needed = list(documented(type(loaded.module)))
    for name in needed:  # but a text, a picture or a sound, which a processor makes or nobody
        if name not in (*found, *_MAIN) and (made := described(loaded.module, name, length, seed)) is not None:
            found[name] = made
    if main is None:
        return found
    if "decoder_input_ids" in taken and not {"decoder_input_ids", "decoder_inputs_embeds"} & tensors.keys():
        start = may_start_token(loaded)
        if start is not None:
            found["decoder_input_ids"] = torch.full((main.shape[0] * _books(loaded), 1), start)  # a row for each book
    if "bbox" in taken and "bbox" not in tensors and "input_ids" in tensors:
        found["bbox"] = boxes_of_words(loaded, tensors["input_ids"].shape[1])
    return found


def _books(loaded: LoadedModel) -> int:
    """How many tokens a decoder writes at a time: one for each of its codebooks, which Dia calls channels."""
    decoders = (getattr(loaded.config, name, None) for name in ("decoder", "decoder_config"))
    counts = (getattr(decoder, name, None) for decoder in decoders for name in ("num_codebooks", "num_channels"))
    return next((count for count in counts if type(count) is int and count > 0), 1)


def main_input(tensors: Mapping[str, Tensor]) -> Tensor | None:
    """The text, picture or sound among the inputs. None: there is none."""
    return next((tensors[name] for name in _MAIN if name in tensors), None)


def masks(names: Iterable[str], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What of the names are masks: ones over the places of the input that they are named for, else of the main one."""
    found = {}
    for name in filter(_MASK.search, names):
        of = "input_features" if "feature" in name else "pixel_values" if "pixel" in name else ""
        main = tensors[of] if of in tensors else main_input(tensors)
        if main is not None and (of in tensors or not _FRAMES.search(name)):
            found[name] = _mask(name, main)
    return found


def _mask(name: str, main: Tensor) -> Tensor:
    """Ones over the places of the main input: a picture's pixels, a sound's frames, a text's tokens."""
    shape = (main.shape[0], *main.shape[-2:]) if "pixel" in name else main.shape[:2]
    if main.dim() == 3 and "feature" in name:  # [1, bins, frames] or [1, frames, bins]: bins are the fewer
        shape = (main.shape[0], max(main.shape[1:]))
    return torch.ones(shape, dtype=torch.long)


def boxes_of_words(loaded: LoadedModel, count: int) -> Tensor:
    """Boxes [1, count, 4] of words in lines, left to right: thousandths of the page, or shares of it for some models.

    A model that counts in thousandths has a table of so many places.
    """
    number = torch.arange(count)
    left, top = 90 * (number % ROW_OF_WORDS) + 40, 20 * (number // ROW_OF_WORDS) % 900 + 40
    boxes = torch.stack([left, top, left + 80, top + 16], dim=-1)[None]
    most = getattr(loaded.config, "max_2d_position_embeddings", None)
    return boxes / 1000 if most is None else boxes.clamp(max=int(most) - 1)
