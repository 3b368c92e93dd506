"""Tasks on videos: frames in a row, each prepared as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.images import IMAGE_SUFFIXES, Picture, generated_picture, read_picture
from npu_adapt.models.tasks.image import classify, encode_picture, image_classes
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, sample_of, takes

DEFAULT_FRAMES = 16
_SHIFT = 8  # pixels that the default picture moves from frame to frame


def prepare_frames(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`pixel_values` [1, frames, 3, height, width], as many frames as the model reads.

    A value names a folder of frames, in order of name, from which they are taken evenly; without any, a generated
    picture moves across.
    """
    count = next((n for name in ("num_frames", "frames_per_clip") if (n := getattr(loaded.config, name, None))), 0)
    count = int(count or DEFAULT_FRAMES)
    videos = videos_of(values, samples, seed, count)
    name = "pixel_values_videos" if takes(loaded, "pixel_values_videos") else "pixel_values"
    prepared = []
    for frames in videos:
        encoded = [encode_picture(loaded, frame, given=bool(values))["pixel_values"] for frame in frames]
        pixels = torch.stack([each.reshape(each.shape[-3:]) for each in encoded])[None]
        prepared.append(sample_of({name: pixels}, frames[0].origin))
    return tuple(prepared)


def videos_of(values: Sequence[str], samples: int, seed: int, count: int) -> list[list[Picture]]:
    """As many frames of each folder given; without any, of `samples` pictures that move. Raises `UsageError`."""
    given = [_read(Path(value), count) for value in values]
    return given or [_moving(seed + number, count) for number in range(samples)]


def _read(folder: Path, count: int) -> list[Picture]:
    """Frames of the folder, evenly chosen. Raises `UsageError` where it is none, or has no pictures."""
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise UsageError(
            Sentence("{folder} is not a folder of frames", folder=folder),
            hint="give a folder that holds the video's frames as pictures, in order of name",
        )
    chosen = [read_picture(files[number * len(files) // count]) for number in range(count)]
    origin = Sentence(
        "{count} of {files} frames in {folder}, first {origin}",
        count=count,
        files=len(files),
        folder=folder.name,
        origin=chosen[0].origin,
    )
    return [Picture(frame.image, origin) for frame in chosen]


def _moving(seed: int, count: int) -> list[Picture]:
    still = generated_picture(seed)
    width, height = still.image.size
    origin = Sentence(
        "{origin}, moved {shift} pixels a frame, {count} frames", origin=still.origin, shift=_SHIFT, count=count
    )

    def shifted(pixels: int) -> Image.Image:
        frame = Image.new("RGB", (width, height))
        frame.paste(still.image, (pixels % width, 0))
        frame.paste(still.image, (pixels % width - width, 0))
        return frame

    return [Picture(shifted(number * _SHIFT), origin) for number in range(count)]


ROWS = (
    Task(
        name="video-classification",
        tag="video-classification",
        modality="video",
        auto_class="AutoModelForVideoClassification",
        classes=("MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_frames,
        forward=classify,
        read=image_classes,
        needs=("logits",),
        class_scores="logits",
    ),
)
