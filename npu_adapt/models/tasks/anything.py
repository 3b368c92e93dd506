"""The row for whatever no other row takes: a class of transformers, its inputs by the names of its forward's arguments.

All tensors that the forward gives are compared; nobody reads predictions from them.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import ImageChops
from torch import Tensor

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.images import IMAGE_SUFFIXES, Picture, pictures
from npu_adapt.models.sounds import SOUND_SUFFIXES, sounds
from npu_adapt.models.tasks.audio import encode_sound, sampling_rate
from npu_adapt.models.tasks.audio_text import prepare_heard
from npu_adapt.models.tasks.described import documented
from npu_adapt.models.tasks.encoding import encode_picture, encode_pictures, origin_in
from npu_adapt.models.tasks.image import SHIPPED_PICTURES
from npu_adapt.models.tasks.image_to_text import prepare_prompts
from npu_adapt.models.tasks.prompts import PICTURE, SOUND, token_of
from npu_adapt.models.tasks.results import Outputs, named_tensors
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, accepted, sample_of
from npu_adapt.models.tasks.text import encode_text
from npu_adapt.models.texts import texts

MOVED = 16  # pixels between the two pictures of a matcher
# What a forward calls its inputs, and which processor makes them.
_MADE_BY = {
    "input_ids": "tokenizer",
    "pixel_values": "image",
    "pixel_values_videos": "image",
    "grid_thw": "image",
    "input_values": "audio",
    "input_features": "audio",
    "audio_mel": "audio",
}
_NOT_COMPARED = ("loss", "past_key_values")  # a cache says what the states beside it say already


def prepare_anything(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """What the forward takes of a text, a picture and a sound. Values that name such files are those, others texts.

    A picture or a sound that has its place in the text is put there.
    """
    if "tokenizer" in loaded.task.processors:
        if "image" in loaded.task.processors and token_of(loaded.config, PICTURE) is not None:
            return prepare_prompts(loaded, values, samples, seed)
        if "audio" in loaded.task.processors and token_of(loaded.config, SOUND) is not None:
            return prepare_heard(loaded, values, samples, seed)
    kinds = {kind: _of_suffix(values, suffixes) for kind, suffixes in _SUFFIXES.items()}
    written = tuple(value for value in values if not any(value in files for files in kinds.values()))
    parts: list[list[tuple[dict[str, Tensor], str]]] = []
    if "tokenizer" in loaded.task.processors:
        parts.append([encode_text(loaded, text, given=bool(written)) for text in texts(written, samples, seed)])
    if "image" in loaded.task.processors:
        found = pictures(kinds["image"], loaded.path / SHIPPED_PICTURES, samples, seed)
        given = bool(kinds["image"])
        see = _beside_itself if matches(loaded.info.architecture) else _seen
        parts.append([see(loaded, each, given) for each in found])
    if "audio" in loaded.task.processors:
        heard = sounds(kinds["audio"], sampling_rate(loaded), samples, seed)
        given = bool(kinds["audio"])
        parts.append([(encode_sound(loaded, each, given), each.origin) for each in heard])
    if not parts and values:
        raise UsageError(
            Sentence("{name} takes no text, picture or sound", name=loaded.info.architecture),
            hint="leave --input out, or write an adapter that prepares its inputs: "
            "npu-adapt compare FILE.py --weights DIR",
        )
    if not parts:  # what the forward takes is completed
        return (Sample({}, ()),) * samples
    return tuple(_joined(loaded, several) for several in zip(*parts, strict=False))


def matches(architecture: str) -> bool:
    """Whether a class of transformers finds the same points in two pictures."""
    from transformers.models.auto import modeling_auto

    return architecture in getattr(modeling_auto, "MODEL_FOR_KEYPOINT_MATCHING_MAPPING_NAMES", {}).values()


def _seen(loaded: LoadedModel, picture: Picture, given: bool) -> tuple[dict[str, Tensor], str]:
    return dict(encode_picture(loaded, picture, given=given)), origin_in(loaded, picture)


def _beside_itself(loaded: LoadedModel, picture: Picture, given: bool) -> tuple[dict[str, Tensor], str]:
    """The picture and itself moved to the right, what leaves it coming back on the left: one input."""
    origin = Sentence("{origin}, and itself {moved} pixels further right", origin=picture.origin, moved=MOVED)
    pair = [picture.image, ImageChops.offset(picture.image, MOVED, 0)]
    return dict(encode_pictures(loaded, [pair], origin, given=given)), origin


_SUFFIXES = {"image": IMAGE_SUFFIXES, "audio": SOUND_SUFFIXES}


def _of_suffix(values: Sequence[str], suffixes: frozenset[str]) -> tuple[str, ...]:
    return tuple(value for value in values if Path(value).suffix.lower() in suffixes)


def _joined(loaded: LoadedModel, parts: Sequence[tuple[Mapping[str, Tensor], str]]) -> Sample:
    made = [sample_of(accepted(loaded, encoded), origin) for encoded, origin in parts]
    tensors = {name: tensor for sample in made for name, tensor in sample.tensors.items()}
    infos = tuple(info for sample in made for info in sample.inputs)
    return Sample(tensors, infos)


def everything(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """All tensors of the result by their path, without loss and cache."""
    outputs = named_tensors(module(**tensors))
    return {name: tensor for name, tensor in outputs.items() if not name.startswith(_NOT_COMPARED)}


ANYTHING = Task(
    name="model-outputs",
    tag="model-outputs",
    modality="any",
    auto_class="",
    classes=(),
    processors=(),
    prepare=prepare_anything,
    forward=everything,
)


def reads_for(name: str, row: Task) -> bool:
    """Whether the forward of transformers' class takes what the row prepares first: Dia speaks, in a table of hearers.

    True too where the class cannot be imported, and where its arguments are called by no name that tells.
    """
    import transformers

    try:
        taken = inspect.signature(getattr(transformers, name).forward).parameters
    except Exception:  # noqa: BLE001 - a library that it needs is missing: it is said where the model is built
        return True
    makers = {maker for argument, maker in _MADE_BY.items() if argument in taken}
    return not row.processors or not makers or row.processors[0] in makers


def row_of_class(name: str) -> Task | None:
    """The row that builds transformers' class of that name. None: there is none, or nothing here makes its inputs."""
    import transformers

    found = getattr(transformers, name, None)
    if not (isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)):
        return None
    kind: Any = found
    taken = inspect.signature(kind.forward).parameters
    processors = tuple(dict.fromkeys(maker for argument, maker in _MADE_BY.items() if argument in taken))
    if "tokenizer" in processors and len(processors) > 1:
        processors = (*processors, "whole")
    made = processors or documented(kind)
    return dataclasses.replace(ANYTHING, auto_class=name, processors=processors) if made else None
