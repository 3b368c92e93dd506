"""The pictures that a run was asked about, small enough to stand in a page."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from npu_adapt.errors import UsageError
from npu_adapt.models.images import IMAGE_SUFFIXES, Picture, pictures
from npu_adapt.records import Summary
from npu_adapt.workflows.bundle.inputs import typed_inputs

LARGEST_SIDE = 320  # pixels
QUALITY = 85


def input_pictures(summary: Summary) -> dict[str, bytes]:
    """A JPEG for each picture among the inputs of the run, by the origin that the record names.

    Only those whose file still has the SHA-256 that it had; none where the run had no pictures or they are gone.
    """
    run, weights = summary.run, summary.weights
    origins = {} if run is None else dict.fromkeys(each.origin for each in run.inputs)
    if run is None or weights is None or not any(map(_is_of_picture, origins)):
        return {}
    samples = sum(each.name == run.inputs[0].name for each in run.inputs)
    typed = [value for value in typed_inputs(summary.command) if Path(value).suffix.lower() in IMAGE_SUFFIXES]
    try:
        found = pictures(typed, Path(weights.path) / "images", samples, run.seed)
    except UsageError:  # a file that is gone, or is none any more
        return {}
    return {each.origin: _small(each) for each in found if any(name.startswith(each.origin) for name in origins)}


def _is_of_picture(origin: str) -> bool:
    """By the names that `npu_adapt.models.images` gives."""
    kind, _, rest = origin.partition(" ")
    return kind in ("file", "generated") and (
        rest.startswith("picture") or Path(rest.partition(" sha256:")[0]).suffix.lower() in IMAGE_SUFFIXES
    )


def _small(picture: Picture) -> bytes:
    image = picture.image.copy()
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    enlarged = LARGEST_SIDE // max(image.size)
    if enlarged > 1:  # of a few pixels, each of which stays a square
        image = image.resize((image.width * enlarged, image.height * enlarged), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()
