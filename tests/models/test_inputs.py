"""What --input takes, and the one clear message that anything else gets."""

from __future__ import annotations

import os
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from npu_adapt.errors import UsageError
from npu_adapt.models.images import generated_picture, pictures, read_picture
from npu_adapt.models.sounds import generated_sound, read_sound, resample
from npu_adapt.models.texts import read_text, texts


def write_wav(path, samples, *, rate=16000, width=2, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples)
    return path


def test_picture_that_is_not_one(tmp_path):
    (tmp_path / "notes.png").write_text("not a picture")
    with pytest.raises(UsageError, match=r"notes\.png is not a picture"):
        read_picture(tmp_path / "notes.png")


def test_picture_of_zero_bytes(tmp_path):
    (tmp_path / "empty.png").touch()
    with pytest.raises(UsageError, match="0 bytes"):
        read_picture(tmp_path / "empty.png")


def test_picture_of_a_hundred_megapixels(tmp_path):
    Image.new("1", (10_000, 10_000)).save(tmp_path / "huge.png")
    with pytest.raises(UsageError, match="100 million pixels"):
        read_picture(tmp_path / "huge.png")


def test_picture_cut_short(tmp_path):
    generated_picture(0).image.save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:5000])
    with pytest.raises(UsageError, match=r"cut\.png is not a picture"):
        read_picture(tmp_path / "cut.png")


def test_picture_that_is_missing_or_a_folder(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        read_picture(tmp_path / "missing.png")
    with pytest.raises(UsageError, match="a folder"):
        read_picture(tmp_path)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16"])
def test_one_pixel_of_any_mode_is_valid(mode, tmp_path, load, digits):
    path = tmp_path / f"one.{'tif' if mode in ('CMYK', 'I;16') else 'png'}"
    Image.new(mode, (1, 1)).save(path)
    loaded = load(digits)
    sample = loaded.task.prepare(loaded, [str(path)], 1, 0)[0]
    assert tuple(sample.tensors["pixel_values"].shape) == (1, 3, 32, 32)


def test_picture_is_turned_upright(tmp_path):
    image = Image.new("RGB", (4, 2))
    exif = image.getexif()
    exif[0x0112] = 6  # rotated by 90 degrees
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert read_picture(tmp_path / "turned.jpg").image.size == (2, 4)


def test_shipped_pictures_come_first_then_generated_ones(digits):
    origins = [picture.origin for picture in pictures((), digits / "images", 12, 0)]
    assert origins[0].startswith("file 0-zero.png sha256:")
    assert origins[10:] == [f"generated picture, 1/f spectrum, seed {seed}" for seed in (0, 1)]


def test_generated_picture_is_fixed_by_its_seed():
    one, same, other = (np.asarray(generated_picture(seed).image) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert 40 < one.std() < 60


@pytest.mark.parametrize("value", ["", "  \n"])
def test_empty_text(value):
    with pytest.raises(UsageError, match="empty"):
        read_text(value)


def test_text_file_is_read(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a quiet river")
    assert read_text(str(path)).text == "a quiet river"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="as text"):
        read_text(str(path))
    path.write_text(" \n")
    with pytest.raises(UsageError, match="no text"):
        read_text(str(path))


def test_text_longer_than_a_file_name_is_a_text():
    assert read_text("word " * 2000).origin == "text given with --input"


def test_default_sentences_differ():
    assert len({text.text for text in texts((), 20, 0)}) == 20


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_sound_of_every_sample_width(width, tmp_path):
    full = 2 ** (8 * width - 1)
    levels = [-full, 0, full // 2]
    data = b"".join(
        (level + 128).to_bytes(1, "little") if width == 1 else level.to_bytes(width, "little", signed=True)
        for level in levels
    )
    sound = read_sound(write_wav(tmp_path / "sound.wav", data, width=width), 16000)
    assert sound.waveform.tolist() == [-1.0, 0.0, 0.5]


def wav(*chunks, size=None):
    """A WAV file of these chunks; `size` is what its header says of itself."""
    body = b"WAVE" + b"".join(name + struct.pack("<I", length) + data for name, length, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


PCM16 = struct.pack("<HHIIHH", 1, 1, 16000, 32000, 2, 16)
HALF = np.array([0, 16384, -16384], "<i2").tobytes()


def test_sound_from_a_pipe_whose_length_nobody_knew(tmp_path):
    unknown = 0xFFFFFFFF
    (tmp_path / "pipe.wav").write_bytes(wav((b"fmt ", 16, PCM16), (b"data", unknown, HALF), size=unknown))
    assert read_sound(tmp_path / "pipe.wav", 16000).waveform.tolist() == [0, 0.5, -0.5]


def test_sound_in_the_extensible_format_with_24_bits(tmp_path):
    subformat = struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    extended = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16000, 48000, 3, 24, 22, 24, 4) + subformat
    data = b"".join(level.to_bytes(3, "little", signed=True) for level in (0, 2**22, -(2**22)))
    (tmp_path / "extensible.wav").write_bytes(wav((b"fmt ", 40, extended), (b"data", len(data), data)))
    assert read_sound(tmp_path / "extensible.wav", 16000).waveform.tolist() == [0, 0.5, -0.5]


def test_a_header_that_names_a_place_before_the_file_is_a_usage_error_and_prints_nothing(tmp_path, capfd):
    """libsndfile seeks there by a callback, whose error Python prints as a traceback."""
    (tmp_path / "x.aiff").write_bytes(b"FORM\0\0\0\x2eAIFFCOMM\0\0\0\x12\0\1\0\0\0\0\0\x10" + bytes(10))
    with pytest.raises(UsageError, match=r"x\.aiff is not a sound file: Error opening the file"):
        read_sound(tmp_path / "x.aiff", 16000)
    assert capfd.readouterr().err == ""


def test_sound_in_floating_numbers(tmp_path):
    kind = struct.pack("<HHIIHH", 3, 1, 16000, 64000, 4, 32)
    data = np.array([0, 0.5, -0.5], "<f4").tobytes()
    (tmp_path / "float.wav").write_bytes(wav((b"fmt ", 16, kind), (b"data", len(data), data)))
    assert read_sound(tmp_path / "float.wav", 16000).waveform.tolist() == [0, 0.5, -0.5]
    data = np.array([0, np.nan], "<f4").tobytes()
    (tmp_path / "nan.wav").write_bytes(wav((b"fmt ", 16, kind), (b"data", len(data), data)))
    with pytest.raises(UsageError, match="NaN"):
        read_sound(tmp_path / "nan.wav", 16000)


def test_a_compressed_sound_is_read(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "sound.flac", np.array([0, 0.5, -0.5]), 16000)
    assert read_sound(tmp_path / "sound.flac", 16000).waveform.tolist() == [0, 0.5, -0.5]


def test_sound_that_is_too_long(tmp_path):
    write_wav(tmp_path / "long.wav", bytes(2 * 601 * 100), rate=100)
    with pytest.raises(UsageError, match="longer than 600 s"):
        read_sound(tmp_path / "long.wav", 100)


RAMP = np.linspace(0, 65535, 256 * 256).reshape(256, 256)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (RAMP.astype(np.uint16), ", 16 bits scaled to 8 bits"),
        (RAMP.astype(np.int32), ", 16 bits scaled to 8 bits"),
        (RAMP.astype(np.int32) * 1000 - 5000, ", -5000 to 6.553e+07 scaled to 8 bits"),
        ((RAMP / 65535).astype(np.float32), ", 0 to 1 scaled to 8 bits"),
        ((RAMP / 257).astype(np.float32), ""),
    ],
    ids=["uint16", "int32 of 16 bits", "int32", "float of 0 to 1", "float of 0 to 255"],
)
def test_a_picture_of_more_than_8_bits_keeps_its_levels(values, said, tmp_path):
    Image.fromarray(values).save(tmp_path / "deep.tif")
    picture = read_picture(tmp_path / "deep.tif")
    pixels = np.asarray(picture.image)[..., 0].astype(int)
    assert np.abs(pixels - np.rint(RAMP / 257)).max() <= 1
    assert picture.origin.partition("sha256:")[2][64:] == said


def test_a_16_bit_png_is_not_white(tmp_path):
    Image.fromarray(RAMP.astype(np.uint16)).save(tmp_path / "ramp.png")
    pixels = np.asarray(read_picture(tmp_path / "ramp.png").image)
    assert len(np.unique(pixels)) == 256 and (pixels == 255).mean() < 0.01


def test_a_picture_of_nan(tmp_path):
    Image.fromarray(np.full((2, 2), np.nan, np.float32)).save(tmp_path / "nan.tif")
    with pytest.raises(UsageError, match="NaN"):
        read_picture(tmp_path / "nan.tif")


@pytest.mark.parametrize(
    "read", [read_picture, lambda path: read_sound(path, 16000), lambda path: read_text(str(path))]
)
@pytest.mark.timeout(20)
def test_pipes_and_devices_are_refused_at_once(read, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UsageError, match="not a regular file"):
            read(path)


def test_a_text_of_100_megabytes(tmp_path):
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(UsageError, match="larger than 4000000 bytes"):
        read_text(str(tmp_path / "large.txt"))


def test_stereo_is_mixed_to_mono(tmp_path):
    data = np.array([[8192, 16384], [0, -16384]], "<i2").tobytes()
    sound = read_sound(write_wav(tmp_path / "stereo.wav", data, channels=2), 16000)
    assert sound.waveform.tolist() == [0.375, -0.25]


@pytest.mark.parametrize("found", [8000, 44100, 48000])
def test_resampling_keeps_a_tone(found, tmp_path):
    def tone(rate):
        return np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)

    assert np.abs(resample(tone(found), found, 16000) - tone(16000)).max() < 1e-5


def test_resampled_sound_says_so(tmp_path):
    sound = read_sound(write_wav(tmp_path / "sound.wav", bytes(16000), rate=8000), 16000)
    assert sound.waveform.size == 16000
    assert sound.origin.endswith("resampled from 8000 to 16000 Hz")


def test_sound_that_is_not_one(tmp_path):
    (tmp_path / "notes.wav").write_text("no sound at all")
    with pytest.raises(UsageError, match="not a sound file"):
        read_sound(tmp_path / "notes.wav", 16000)
    (tmp_path / "empty.wav").touch()
    with pytest.raises(UsageError, match="0 bytes"):
        read_sound(tmp_path / "empty.wav", 16000)
    with pytest.raises(UsageError, match="0 frames"):
        read_sound(write_wav(tmp_path / "silent.wav", b""), 16000)
    with pytest.raises(UsageError, match="No such file"):
        read_sound(tmp_path / "missing.wav", 16000)


def test_generated_sound_is_fixed_by_its_seed():
    one, same, other = (generated_sound(16000, seed).waveform for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert one.size == 32000 and 0.4 < np.abs(one).max() < 0.6


def test_a_text_that_is_not_utf_8():
    with pytest.raises(UsageError, match="not UTF-8"):
        read_text("\udcbd\udcf1")


@pytest.mark.parametrize("read", [read_picture, lambda path: read_sound(path, 16000)], ids=["picture", "sound"])
def test_a_path_that_no_file_can_have(read):
    with pytest.raises(UsageError, match="cannot read"):
        read(Path("\ud800"))
