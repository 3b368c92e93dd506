"""Pictures as model inputs: read from files, or generated."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from npu_adapt.errors import Sentence, UsageError, first_line
from npu_adapt.files import read_regular
from npu_adapt.models.origins import file_origin

MAX_PIXELS = 64_000_000  # a 64-megapixel photograph decodes to 192 MB; more is a mistake or a decompression bomb
MAX_BYTES = 512_000_000  # an uncompressed picture of that many pixels, in the widest types
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
GENERATED_SIZE = (480, 640)  # height, width: not square, so that resizing and cropping are exercised


@dataclass(frozen=True)
class Picture:
    """An RGB picture and where it came from."""

    image: Image.Image
    origin: str


def pictures(values: Sequence[str], shipped: Path, samples: int, seed: int) -> tuple[Picture, ...]:
    """The pictures named by `values`; without any, `samples` different ones.

    The latter are the pictures in the model's own folder `shipped` in order of name, and then generated ones.
    """
    if values:
        return tuple(read_picture(Path(value)) for value in values)
    files = sorted(file for file in shipped.glob("*") if file.suffix.lower() in IMAGE_SUFFIXES) if samples else []
    own = tuple(read_picture(file) for file in files[:samples])
    return own + tuple(generated_picture(seed + number) for number in range(samples - len(own)))


def read_picture(path: Path) -> Picture:
    """The picture in the file, upright and in RGB. Raises `UsageError` for what is no picture, or too large a one."""
    data = _read(path)
    try:
        image = _open(data)
        _require_size(path, image)
        upright, scaled = _eight_bits(path, ImageOps.exif_transpose(image) or image)
        upright = upright.convert("RGB")
    except UnidentifiedImageError as error:  # its text names a buffer, not the file
        raise UsageError(
            Sentence("{path} is not a picture: its bytes are of no known format", path=path), hint=_WANTED
        ) from error
    except UsageError:
        raise
    except Exception as error:  # Pillow's readers raise whatever a file leads them to
        message = Sentence("{path} is not a picture that can be read: {said}", path=path, said=first_line(error))
        raise UsageError(message, hint=_WANTED) from error
    origin = file_origin(path, data)
    if scaled:
        origin = Sentence("{origin}, {range} scaled to 8 bits", origin=origin, range=scaled)
    return Picture(upright, origin)


_WANTED = "give a PNG, JPEG, WebP, BMP or TIFF file"


def _eight_bits(path: Path, image: Image.Image) -> tuple[Image.Image, str]:
    """A picture of one channel with more than 8 bits a pixel as one with 8, and what was done; others as they are.

    Pillow would clip it at 255, that is, to white. 16 bits are scaled as a screen shows them; of other ranges the
    smallest value becomes black and the largest white, but where the values are those of 8 bits, or of 0 to 1, already.
    """
    if not image.mode.startswith(("I", "F")):
        return image, ""
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise UsageError(
            Sentence("{path} holds pixels that are NaN or infinite", path=path),
            hint="clean it first, or save it as PNG",
        )
    low, high = float(values.min()), float(values.max())
    said: str
    if image.mode.startswith("I;16") or (image.mode == "I" and low >= 0 and 255 < high < 65536):
        span, said = (0.0, 65535.0), Sentence("16 bits")
    elif low >= 0 and high <= 255 and image.mode == "I":
        span, said = (0.0, 255.0), ""
    elif low >= 0 and high <= 1:
        span, said = (0.0, 1.0), Sentence("0 to 1")
    elif low >= 0 and high <= 255:
        span, said = (0.0, 255.0), ""
    else:
        span, said = (low, high), Sentence("{low:g} to {high:g}", low=low, high=high)
    scaled = (values - span[0]) * (255 / ((span[1] - span[0]) or 1))
    picture = Image.fromarray(np.rint(scaled).clip(0, 255).astype(np.uint8))
    return picture, said


def _read(path: Path) -> bytes:
    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise UsageError(
            Sentence("cannot read the input {path}: {reason}", path=path, reason=error.strerror), hint=_WANTED
        ) from error
    if not data:
        raise UsageError(Sentence("{path} is empty (0 bytes)", path=path), hint=_WANTED)
    return data


def _open(data: bytes) -> Image.Image:
    with warnings.catch_warnings():  # Pillow warns of bombs; `_require_size` refuses them
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(data))


def _require_size(path: Path, image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UsageError(
            Sentence(
                "{path} has {width} × {height} = {millions:.0f} million pixels; at most {most} million are read",
                path=path,
                width=width,
                height=height,
                millions=width * height / 1000000.0,
                most=MAX_PIXELS // 1000000,
            ),
            hint="scale it down first; models see a few hundred pixels a side",
        )


def generated_picture(seed: int) -> Picture:
    """A picture with the 1/f amplitude spectrum of natural scenes (Field 1987), the same for the same seed."""
    height, width = GENERATED_SIZE
    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf  # no mean: it is set below
    phases = random.uniform(0, 2 * np.pi, (3, *frequency.shape))
    shared, own = phases[:1], phases  # channels agree in their coarse structure, as in photographs
    spectrum = (0.8 * np.exp(1j * shared) + 0.2 * np.exp(1j * own)) / frequency
    field = np.fft.irfft2(spectrum, s=(height, width), axes=(1, 2))
    field = field / field.std(axis=(1, 2), keepdims=True)
    pixels = np.clip(128 + 52 * field, 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return Picture(Image.fromarray(pixels, "RGB"), Sentence("generated picture, 1/f spectrum, seed {seed}", seed=seed))
