"""Sounds as model inputs: read by libsndfile (WAV, FLAC, OGG, MP3), or generated."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from npu_adapt.errors import Sentence, UsageError, first_line
from npu_adapt.files import read_regular
from npu_adapt.models.origins import file_origin

SOUND_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})
GENERATED_SECONDS = 2.0
MAX_SECONDS = 600.0
MAX_BYTES = 512_000_000
_WANTED = "give a WAV, FLAC, OGG or MP3 file, for example: ffmpeg -i speech.mp3 -ac 1 -ar 16000 speech.wav"

Waveform = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    """A mono waveform of shape [samples], full scale ±1, and where it came from."""

    waveform: Waveform
    origin: str


def sounds(values: Sequence[str], rate: int, samples: int, seed: int) -> tuple[Sound, ...]:
    """The sounds named by `values` at `rate` hertz; without any, `samples` different generated ones."""
    if values:
        return tuple(read_sound(Path(value), rate) for value in values)
    return tuple(generated_sound(rate, seed + number) for number in range(samples))


class _Seekable(io.BytesIO):
    """Bytes as libsndfile reads them. A place before their beginning, which a damaged header names, is not gone to.

    Python would print the error of such a seek, which is called from C.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()

    def __repr__(self) -> str:
        return "the file"  # in libsndfile's messages


def read_sound(path: Path, rate: int) -> Sound:
    """The sound file as mono at `rate` hertz. Raises `UsageError` for what libsndfile does not read."""
    import soundfile

    try:
        data = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise UsageError(
            Sentence("cannot read the input {path}: {reason}", path=path, reason=error.strerror), hint=_WANTED
        ) from error
    if not data:
        raise UsageError(Sentence("{path} is empty (0 bytes)", path=path), hint=_WANTED)
    try:
        with soundfile.SoundFile(_Seekable(data)) as file:
            found_rate = file.samplerate
            channels = file.read(int(MAX_SECONDS * found_rate) + 1, dtype="float64", always_2d=True)
    except Exception as error:  # libsndfile's words for whatever is wrong with a file
        raise UsageError(
            Sentence("{path} is not a sound file: {said}", path=path, said=first_line(error)), hint=_WANTED
        ) from error
    waveform = channels.mean(axis=1).astype(np.float32)
    _require_sound(path, waveform, found_rate)
    origin = file_origin(path, data)
    if found_rate != rate:
        origin = Sentence("{origin}, resampled from {found} to {rate} Hz", origin=origin, found=found_rate, rate=rate)
    return Sound(resample(waveform, found_rate, rate), origin)


def _require_sound(path: Path, waveform: Waveform, rate: int) -> None:
    if not waveform.size:
        raise UsageError(Sentence("{path} holds no sound (0 frames)", path=path), hint=_WANTED)
    if waveform.size > MAX_SECONDS * rate:
        raise UsageError(
            Sentence("{path} is longer than {max_seconds:.0f} s", path=path, max_seconds=MAX_SECONDS),
            hint="cut it; models see seconds at a time",
        )
    if not np.isfinite(waveform).all():
        raise UsageError(Sentence("{path} holds samples that are NaN or infinite", path=path), hint=_WANTED)


def resample(waveform: Waveform, found: int, wanted: int) -> Waveform:
    """Band-limited resampling through the Fourier transform of the whole sound (as `scipy.signal.resample`).

    Exact for sounds that are periodic in their length; the ends of others ring for a few samples.
    """
    if found == wanted:
        return waveform
    common = gcd(found, wanted)
    length = max(1, waveform.size * (wanted // common) // (found // common))
    spectrum: npt.NDArray[Any] = np.fft.rfft(waveform)
    kept = np.zeros(length // 2 + 1, spectrum.dtype)
    shared = min(kept.size, spectrum.size)
    kept[:shared] = spectrum[:shared]
    return np.asarray(np.fft.irfft(kept, length) * (length / waveform.size), np.float32)


def generated_sound(rate: int, seed: int) -> Sound:
    """A sound with the make-up of a vowel: a gliding pitch, its harmonics weighted by three formants, soft noise.

    Formant frequencies are those of the vowel in "father" (Peterson and Barney 1952). The same for the same seed.
    """
    random = np.random.default_rng(seed)
    time = np.arange(int(rate * GENERATED_SECONDS)) / rate
    pitch = random.uniform(100, 180) * (1 + 0.1 * np.sin(2 * np.pi * random.uniform(0.5, 2) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    harmonics = np.arange(1, 25)[:, None]
    gain = sum(1 / (1 + ((harmonics * 140 - formant) / 120) ** 2) for formant in (730, 1090, 2440))
    voice = (gain * np.sin(harmonics * phase)).sum(axis=0)
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 3 * time)
    signal = voice / np.abs(voice).max() * syllables * 0.5 + 0.005 * random.standard_normal(time.size)
    return Sound(
        signal.astype(np.float32),
        Sentence(
            "generated sound, {seconds:g} s at {rate} Hz, seed {seed}", seconds=GENERATED_SECONDS, rate=rate, seed=seed
        ),
    )
