"""What image processors make of a picture, of several that are one input, and of the frames of a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import ImageChops
from torch import Tensor

from npu_adapt.errors import Sentence
from npu_adapt.models.images import Picture
from npu_adapt.models.tasks.task import LoadedModel, preparing, takes

VIDEO = "pixel_values_videos"
DEFAULT_FRAMES = 16
_SHIFT = 8  # pixels that a picture moves from frame to frame


def encode_picture(loaded: LoadedModel, picture: Picture, *, given: bool) -> Mapping[str, Tensor]:
    """What the image processor makes of it. Raises `UsageError`, or `ModelError` for a picture of ours.

    A model that reads nothing but videos is given one in which the picture moves across.
    """
    if _reads_videos(loaded):
        return {VIDEO: encode_frames(loaded, moved(picture, frame_count(loaded.config)), given=given)}
    return encode_pictures(loaded, picture.image, picture.origin, given=given)


def origin_in(loaded: LoadedModel, picture: Picture) -> str:
    """Where what `encode_picture` makes of it is from."""
    return _moved_origin(picture, frame_count(loaded.config)) if _reads_videos(loaded) else picture.origin


def _reads_videos(loaded: LoadedModel) -> bool:
    return takes(loaded, VIDEO) and not takes(loaded, "pixel_values")


def frame_count(config: Any) -> int:
    """How many frames of a video the model reads."""
    counts = (getattr(config, name, None) for name in ("num_frames", "frames_per_clip"))
    return int(next(filter(None, counts), None) or DEFAULT_FRAMES)


def moved(picture: Picture, count: int) -> list[Picture]:
    """Frames of a video in which the picture moves to the right; what leaves it comes back on the left."""
    origin = _moved_origin(picture, count)
    return [Picture(ImageChops.offset(picture.image, number * _SHIFT, 0), origin) for number in range(count)]


def _moved_origin(picture: Picture, count: int) -> str:
    return Sentence(
        "{origin}, moved {shift} pixels a frame, {count} frames", origin=picture.origin, shift=_SHIFT, count=count
    )


def encode_frames(loaded: LoadedModel, frames: Sequence[Picture], *, given: bool) -> Tensor:
    """The frames of one video, each prepared as a picture: [1, frames, 3, height, width]."""
    made = [encode_pictures(loaded, frame.image, frame.origin, given=given)["pixel_values"] for frame in frames]
    return torch.stack([each.reshape(each.shape[-3:]) for each in made])[None]


def encode_pictures(loaded: LoadedModel, images: Any, origin: str, *, given: bool) -> Mapping[str, Tensor]:
    """As `encode_picture`, for one picture or for several that are one input."""
    with preparing(loaded, origin, given=given):
        processor = loaded.processor.image
        reads = getattr(getattr(processor, "func", processor), "apply_ocr", False)
        own_words = {"apply_ocr": False} if reads else {}  # the text is what was asked, not what is read in the picture
        encoded: Mapping[str, Tensor] | Tensor = processor(images=images, return_tensors="pt", **own_words)
    return {"pixel_values": encoded} if isinstance(encoded, Tensor) else encoded  # Idefics' own gives the bare tensor
