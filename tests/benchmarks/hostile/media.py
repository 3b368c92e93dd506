"""Pictures, sounds and texts that are sound, and of a kind that a program meets once a year."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from tests.benchmarks.hostile.models import RUN, Models, changed
from tests.benchmarks.hostile.running import Input


def _picture(mode: str, size: tuple[int, int], form: str, **options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        from PIL import Image

        out = io.BytesIO()
        Image.new(mode, size, 1 if mode in ("1", "L", "P", "I", "F", "I;16") else None or 0).save(out, form, **options)
        return out.getvalue()

    return make


def _exif(orientation: int) -> Callable[[], bytes]:
    def make() -> bytes:
        from PIL import Image

        exif = Image.Exif()
        exif[0x0112] = orientation
        out = io.BytesIO()
        Image.new("RGB", (40, 20)).save(out, "JPEG", exif=exif)
        return out.getvalue()

    return make


def _moving(form: str) -> Callable[[], bytes]:
    def make() -> bytes:
        from PIL import Image

        out = io.BytesIO()
        frames = [Image.new("P", (8, 8), number) for number in range(5)]
        frames[0].save(out, form, save_all=True, append_images=frames[1:], duration=0, loop=0)
        return out.getvalue()

    return make


def _archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../x.png", b"x")
    return out.getvalue()


PICTURES: Mapping[str, Callable[[], bytes]] = {
    "one pixel.png": _picture("RGB", (1, 1), "PNG"),
    "one row.png": _picture("RGB", (3000, 1), "PNG"),
    "one column.png": _picture("L", (1, 3000), "PNG"),
    "30000 squared.png": _picture("1", (30_000, 30_000), "PNG"),
    "9000 squared.jpg": _picture("L", (9000, 9000), "JPEG"),
    "cmyk.jpg": _picture("CMYK", (40, 40), "JPEG"),
    "cmyk.tiff": _picture("CMYK", (40, 40), "TIFF"),
    "lab.tiff": _picture("LAB", (40, 40), "TIFF"),
    "floats.tiff": _picture("F", (40, 40), "TIFF"),
    "whole numbers.tiff": _picture("I", (40, 40), "TIFF"),
    "palette.png": _picture("P", (40, 40), "PNG", transparency=0),
    "palette of bytes.png": _picture("P", (40, 40), "PNG", transparency=b"\x00\xff\x80"),
    "grey with alpha.png": _picture("LA", (40, 40), "PNG"),
    "transparent.webp": _picture("RGBA", (40, 40), "WEBP"),
    "bits.png": _picture("1", (40, 40), "PNG"),
    "sixteen bits.png": _picture("I;16", (40, 40), "PNG"),
    "icon.ico": _picture("RGBA", (16, 16), "ICO"),
    "animated.gif": _moving("GIF"),
    "animated.webp": _moving("WEBP"),
    "pages.tiff": _moving("TIFF"),
    "animated.png": _moving("PNG"),
    "turned.jpg": _exif(6),
    "mirrored.jpg": _exif(5),
    "turned oddly.jpg": _exif(77),
    "a picture.txt": _picture("RGB", (8, 8), "PNG"),
    "no ending": _picture("RGB", (8, 8), "PNG"),
    "portable.ppm": lambda: b"P6\n# x\n2 2\n255\n" + bytes(12),
    "portable without end.ppm": lambda: b"P6\n9999 9999\n255\n" + bytes(12),
    "portable.pbm": lambda: b"P1\n2 2\n1 0 0 1\n",
    "comments.jpg": lambda: b"\xff\xd8" + b"\xff\xfe\xff\xff" + bytes(65_533) + _exif(1)()[2:],
    "a picture after text.png": lambda: b"\n" + _picture("RGB", (8, 8), "PNG")(),
    "text after a picture.png": lambda: _picture("RGB", (8, 8), "PNG")() + b"<script>" * 1000,
    "an archive.png": _archive,
}


def _sound(
    rate: int, channels: int, seconds: float, width: int = 2, kind: int = 1, fill: bytes = b""
) -> Callable[[], bytes]:
    def make() -> bytes:
        frames = int(rate * seconds)
        data = (fill * (frames * channels * width // max(1, len(fill)) + 1))[: frames * channels * width]
        data = data or bytes(frames * channels * width)
        form = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * width, channels * width, width * 8)
        body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
        return b"RIFF" + struct.pack("<I", len(body)) + body

    return make


NAN, LOUD = struct.pack("<f", float("nan")), struct.pack("<f", 1e38)
SOUNDS: Mapping[str, Callable[[], bytes]] = {
    "nothing.wav": _sound(16_000, 1, 0),
    "one sample.wav": _sound(16_000, 1, 1 / 16_000),
    "eight channels.wav": _sound(16_000, 8, 0.2),
    "192 kHz.wav": _sound(192_000, 2, 0.2),
    "1 Hz.wav": _sound(1, 1, 20),
    "11 Hz.wav": _sound(11, 1, 9),
    "ten minutes.wav": _sound(8000, 1, 600, 1),
    "24 bits.wav": _sound(16_000, 1, 0.2, 3),
    "64 bits.wav": _sound(16_000, 1, 0.2, 8, 3),
    "NaN.wav": _sound(16_000, 1, 0.2, 4, 3, NAN),
    "loud.wav": _sound(16_000, 1, 0.2, 4, 3, LOUD),
    "extensible.wav": _sound(16_000, 1, 0.2, 2, 0xFFFE),
    "half a sample.wav": lambda: _sound(16_000, 1, 0.2)()[:-1],
    "lists before.wav": lambda: _sound(16_000, 1, 0.1)().replace(b"WAVE", b"WAVE" + b"LIST\4\0\0\0INFO" * 500, 1),
    "big endian.wav": lambda: b"RIFX" + _sound(16_000, 1, 0.1)()[4:],
    "sixty-four.wav": lambda: b"RF64\xff\xff\xff\xff" + _sound(16_000, 1, 0.1)()[8:],
    "apple.aiff": lambda: b"FORM\0\0\0\x2eAIFFCOMM\0\0\0\x12\0\1\0\0\0\0\0\x10" + bytes(10),
    "sun.au": lambda: b".snd" + struct.pack(">IIIII", 24, 400, 3, 16_000, 1) + bytes(400),
    "x.ogg": lambda: b"OggS" + bytes(60),
}
TEXTS: Mapping[str, bytes] = {
    "NUL alone": b"\0",
    "NULs": b"the\0cat\0" * 50,
    "halves": b"the \xed\xa0\xbd\xed\xb8\x80 cat",
    "emoji": "👩🏽‍🚀🏳️‍🌈🇨🇭".encode() * 40,
    "right to left": "\u202eتطبيق\u202c العربية שלום".encode() * 20,
    "marks upon marks": ("e" + "\u0301" * 2000).encode(),
    "no breaks": "\u2060\ufeff\u200b\u200d".encode() * 500,
    "private": "\ue000\U000f0000\U0010ffff".encode() * 99,
    "no characters": "\ufffe\uffff\ufdd0".encode() * 99,
    "special tokens": b"[CLS] [SEP] </s> <|endoftext|> <pad> [PAD] <image> <|im_end|>" * 30,
    "a template": b"{{ 7 * 7 }} {% for x in y %}",
    "JSON": b'{"text": ["a", null]}',
    "lines": b"a\rb\nc\r\nd\x0be\x0cf\x85g",
    "one letter": b"a",
    "one letter, ten thousand times": b"a" * 10_000,
    "a byte order mark alone": b"\xef\xbb\xbf",
    "a small number": "٣٫١٤ ½ Ⅷ ²".encode(),
    "German capitals": "ß İ ŉ ǰ ΐ".encode() * 99,
    "old Hangul": "\u1112\u1161\u11ab".encode() * 200,
}


def media(models: Models, chosen: Random) -> Iterator[Input]:
    """Each picture, sound and text for a model that takes it, and now and then for one that does not."""
    tables: tuple[tuple[tuple[str, ...], Mapping[str, Any]], ...] = (
        (("vit", "clip", "yolos", "segformer"), PICTURES),
        (("whisper", "wav2vec2"), SOUNDS),
        (("bert-classes", "llama", "bert-mask", "t5"), {f"{name}.txt": data for name, data in TEXTS.items()}),
    )
    for takers, files in tables:
        for name, made in files.items():
            model = chosen.choice(takers) if chosen.randrange(8) else chosen.choice(("vit", "whisper", "llama"))
            command = chosen.choice(((*RUN,), (*RUN, "--json"), ("compare", *RUN[1:], "--fast"), (*RUN, "--details")))
            yield changed(
                f"{name} for {model}", models(model), _made(name, made), (*command, "--input", f"model/{name}")
            )


def _made(name: str, made: Callable[[], bytes] | bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_bytes(made if isinstance(made, bytes) else made())

    return change
