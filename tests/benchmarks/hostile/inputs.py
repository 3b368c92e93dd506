"""Pictures, sounds and texts that are odd or none."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from random import Random

from tests.benchmarks.hostile.models import RUN, Models, changed, with_file
from tests.benchmarks.hostile.running import Input


def inputs(models: Models, chosen: Random) -> Iterator[Input]:
    """Pictures, sounds and texts that are odd or none."""
    for model in ("vit", "bert-classes", "whisper", "clip", "llama"):
        base = models(model)
        for name, data in INPUTS.items():
            command = (*RUN, "--input", f"model/{name}")
            yield changed(f"input {name} for {model}", base, with_file(name, data), command)
        for value in (
            " ",
            "x",
            "\ud800",
            "a" * 100_000,
            "\x1b[31m",
            "[bold]",
            "字" * 3000,
            "http://x/y.png",
            "~nobody/x",
            "-",
            "/",
        ):
            yield changed(f"input {value!r:.20} for {model}", base, lambda folder: None, (*RUN, "--input", value))


def _png(width: int, height: int, kind: int = 2, depth: int = 8) -> bytes:
    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0" * 64)) + part(b"IEND", b"")


def _wav(rate: int, channels: int, bits: int, size: int, kind: int = 1) -> bytes:
    form = struct.pack("<HHIIHH", kind, channels, rate, (rate * channels) % 2**32, channels, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", size) + bytes(min(size, 4000))
    return b"RIFF" + struct.pack("<I", len(body)) + body


INPUTS: dict[str, bytes] = {
    "empty.png": b"",
    "text.png": b"hello",
    "zero.png": _png(0, 0),
    "huge.png": _png(2**31 - 1, 2**31 - 1),
    "wide.png": _png(60_000, 1),
    "cut.png": _png(32, 32)[:40],
    "palette.png": _png(8, 8, 3),
    "sixteen.png": _png(8, 8, 0, 16),
    "depth.png": _png(8, 8, 2, 3),
    "x.gif": b"GIF89a\x00\x00\x00\x00\x00\x00\x00;",
    "x.bmp": b"BM" + b"\xff" * 60,
    "x.tiff": b"II*\0" + b"\xff" * 60,
    "x.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>",
    "x.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
    "x.webp": b"RIFF\x24\0\0\0WEBPVP8 " + bytes(30),
    "x.jpg": b"\xff\xd8\xff\xe0" + bytes(40),
    "empty.wav": _wav(16000, 1, 16, 0),
    "rate.wav": _wav(0, 1, 16, 400),
    "huge.wav": _wav(2**32 - 1, 1, 16, 400),
    "channels.wav": _wav(16000, 0, 16, 400),
    "many.wav": _wav(16000, 65535, 16, 400),
    "bits.wav": _wav(16000, 1, 13, 400),
    "float.wav": _wav(16000, 1, 32, 400, 3),
    "long.wav": _wav(16000, 1, 16, 2**31),
    "law.wav": _wav(8000, 1, 8, 400, 7),
    "cut.wav": _wav(16000, 1, 16, 400)[:30],
    "x.mp3": b"ID3" + bytes(60),
    "x.flac": b"fLaC" + bytes(60),
    "gbk.txt": "今天天气很好".encode("gb18030"),
    "utf16.txt": "hello".encode("utf-16"),
    "nul.txt": b"a\0b",
    "long.txt": b"the " * 200_000,
    "larger.txt": b"x" * 5_000_000,
    "spaces.txt": b" \n\t ",
    "control.txt": bytes(range(1, 32)),
    "emoji.txt": "👩‍👩‍👧‍👦\u202e\u0000".encode(),
    "x.npy": b"\x93NUMPY\x01\0v\0{'descr': '|O', 'fortran_order': False, 'shape': (1,)}" + b" " * 60,
}
