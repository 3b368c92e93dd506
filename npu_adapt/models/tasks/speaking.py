"""Tasks from a text to speech: a waveform, or the mel spectrogram that a vocoder reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from npu_adapt.models.tasks.noise import NOISE_SEED, noise_seed, with_noise
from npu_adapt.models.tasks.results import Outputs, outputs_of
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, sample_of, takes
from npu_adapt.models.tasks.text import encode_text
from npu_adapt.models.texts import texts
from npu_adapt.records import Prediction

WAVEFORM, SPECTROGRAM = "waveform", "spectrogram"
FRAMES = 8  # of speech that a decoder is given, as if it had said them
RATE = 16_000  # hertz, where the configuration names none


def prepare_spoken(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`input_ids` [1, tokens] of the text, the seed of the noise, and where the model asks for them a voice and frames.

    A voice [1, width] of length 1 is drawn from the seed, and so are the frames [1, frames, bins] that the decoder has
    said already.
    """
    prepared = []
    for number, text in enumerate(texts(values, samples, seed)):
        encoded, origin = encode_text(loaded, text, given=bool(values))
        random = torch.Generator().manual_seed(seed + number)
        if takes(loaded, "speaker_embeddings"):
            voice = torch.randn(1, int(loaded.config.speaker_embedding_dim), generator=random)
            encoded["speaker_embeddings"] = torch.nn.functional.normalize(voice)
        if takes(loaded, "decoder_input_values"):
            encoded["decoder_input_values"] = torch.randn(1, FRAMES, int(loaded.config.num_mel_bins), generator=random)
        encoded[NOISE_SEED] = noise_seed(seed + number)
        prepared.append(sample_of(encoded, origin))
    return tuple(prepared)


def speak(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`waveform` [1, samples] and `spectrogram` [1, …] where the result holds them, and the encoder's state."""
    return outputs_of(module(**tensors), (WAVEFORM, SPECTROGRAM, "encoder_last_hidden_state"))


def length_of_sound(
    loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """How long the sound is, and how loud: the root of its mean square, full scale 1."""
    sound = outputs[WAVEFORM][0].double().flatten()
    seconds = sound.numel() / int(getattr(loaded.config, "sampling_rate", None) or RATE)
    loudness = float(sound.square().mean().sqrt())
    return (Prediction(label=f"{seconds:.2f} s", index=0, score=loudness, sample=sample_index),)


def size_of_spectrogram(
    _loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """How many frames and bins the spectrogram has, and the mean of its values."""
    values = outputs[SPECTROGRAM].double()
    frames, bins = values.shape[-2:]
    return (Prediction(label=f"{frames} × {bins}", index=0, score=float(values.mean()), sample=sample_index),)


ROWS = (
    Task(
        name="text-to-speech",
        tag="text-to-speech",
        modality="text",
        auto_class="AutoModelForTextToWaveform",
        classes=("MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING_NAMES",),
        processors=("tokenizer",),
        prepare=prepare_spoken,
        forward=with_noise(speak),
        read=length_of_sound,
        needs=(WAVEFORM,),
        shared_inputs=(NOISE_SEED,),
    ),
    Task(
        name="text-to-spectrogram",
        tag="text-to-speech",
        modality="text",
        auto_class="AutoModelForTextToSpectrogram",
        classes=("MODEL_FOR_TEXT_TO_SPECTROGRAM_MAPPING_NAMES",),
        processors=("tokenizer",),
        prepare=prepare_spoken,
        forward=with_noise(speak),
        read=size_of_spectrogram,
        needs=(SPECTROGRAM,),
        shared_inputs=(NOISE_SEED,),
    ),
)
