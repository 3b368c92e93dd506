"""Tasks on videos: frames in a row, each prepared as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.images import IMAGE_SUFFIXES, Picture, generated_picture, read_picture
from npu_adapt.models.tasks.encoding import VIDEO, encode_frames, frame_count, moved
from npu_adapt.models.tasks.image import classify, image_classes
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, sample_of, takes


def prepare_frames(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`pixel_values` [1, frames, 3, height, width], as many frames as the model reads.

    A value names a folder of frames, in order of name, from which they are taken evenly; without any, a generated
    picture moves across.
    """
    videos = videos_of(values, samples, seed, frame_count(loaded.config))
    name = VIDEO if takes(loaded, VIDEO) else "pixel_values"
    prepared = []
    for frames in videos:
        pixels = encode_frames(loaded, frames, given=bool(values))
        prepared.append(sample_of({name: pixels}, frames[0].origin))
    return tuple(prepared)


def videos_of(values: Sequence[str], samples: int, seed: int, count: int) -> list[list[Picture]]:
    """As many frames of each folder given; without any, of `samples` pictures that move. Raises `UsageError`."""
    given = [_read(Path(value), count) for value in values]
    return given or [moved(generated_picture(seed + number), count) for number in range(samples)]


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
