"""Tasks on sounds."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import ModelError, Sentence
from npu_adapt.models.sounds import Sound, sounds
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks.decoders import start_token
from npu_adapt.models.tasks.image import with_hidden_state
from npu_adapt.models.tasks.results import Outputs, outputs_of
from npu_adapt.models.tasks.task import (
    LoadedModel,
    Sample,
    Task,
    accepted,
    class_label,
    class_probabilities,
    preparing,
    sample_of,
    token_label,
    top_classes,
)
from npu_adapt.records import Prediction

SPEECH_POSITIONS = "speech_positions"  # an input of ours, not of the model: encoder positions that hold sound, [n]
HIGHEST_RATE = 1_000_000  # Hz: a hundred times what speech models hear
# Replaces frames in training only; published checkpoints often lack it.
MASKED_EMBEDDING = r"(^|\.)masked_spec_embed$"


def prepare_sounds(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`input_values` [1, samples] or `input_features`, and what else the feature extractor gives."""
    rate = sampling_rate(loaded)
    return tuple(
        sample_of(encode_sound(loaded, sound, bool(values)), sound.origin, seconds=sound.waveform.size / rate)
        for sound in sounds(values, rate, samples, seed)
    )


def prepare_speech(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """As `prepare_sounds`, with the decoder's first token; where sounds are padded, the positions that are not.

    Whisper pads every sound to 30 s; its encoder halves the number of frames. Moonshine takes the waveform as it is.
    """
    extractor = loaded.processor.audio
    start = start_token(loaded)
    prepared, rate = [], sampling_rate(loaded)
    for sound in sounds(values, rate, samples, seed):
        encoded = encode_sound(loaded, sound, bool(values))
        with foreign_code("processor", loaded.path):
            padded = getattr(extractor, "nb_max_frames", None)
            if padded is not None and encoded["input_features"].shape[-1] == padded:
                length = ceil(sound.waveform.size / (2 * extractor.hop_length))
                encoded[SPEECH_POSITIONS] = torch.arange(min(padded // 2, length))
        encoded["decoder_input_ids"] = torch.tensor([[start]])
        prepared.append(sample_of(encoded, sound.origin, seconds=sound.waveform.size / rate))
    return tuple(prepared)


def sampling_rate(loaded: LoadedModel) -> int:
    """The rate in hertz that the feature extractor asks for. Raises `ModelError` for what is no rate."""
    rate = getattr(loaded.processor.audio, "sampling_rate", None)
    if type(rate) is not int or not 0 < rate <= HIGHEST_RATE:
        raise ModelError(
            Sentence(
                "the sampling rate of {path} is {rate}, not a whole number up to {highest} Hz",
                path=loaded.path,
                rate=f"{rate!r:.60}",
                highest=HIGHEST_RATE,
            ),
            hint="it stands in preprocessor_config.json; fetch the model again",
        )
    return rate


def encode_sound(loaded: LoadedModel, sound: Sound, given: bool) -> dict[str, Tensor]:
    extractor = loaded.processor.audio
    with preparing(loaded, sound.origin, given=given):
        encoded = extractor(sound.waveform, **_arguments(extractor))
    return accepted(loaded, encoded)


def _arguments(extractor: Any) -> dict[str, Any]:
    """What an extractor is told beside the sound: those of a few models take neither rate nor kind of tensor."""
    told = {"sampling_rate": extractor.sampling_rate, "return_tensors": "pt"}
    taken = inspect.signature(type(extractor).__call__).parameters
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        return told
    return {name: value for name, value in told.items() if name in taken}


def features(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`last_hidden_state` [1, frames, width], the convolutions' `extract_features`, `pooler_output` if there."""
    return outputs_of(module(**tensors), ("last_hidden_state", "extract_features", "pooler_output"))


def recognise(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` of every frame [1, frames, characters] and the base model's `last_hidden_state`."""
    return with_hidden_state(module, tensors, ("logits",))


def classify(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` [1, classes] and the base model's `last_hidden_state`."""
    return with_hidden_state(module, tensors, ("logits",))


def transcribe(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """The encoder's state where there is sound, and the logits of the step after the start token [1, vocabulary]."""
    inputs = {name: tensor for name, tensor in tensors.items() if name != SPEECH_POSITIONS}
    result = module(**inputs, use_cache=False)
    state = result.encoder_last_hidden_state
    if SPEECH_POSITIONS in tensors:
        state = state.index_select(1, tensors[SPEECH_POSITIONS])
    return {"encoder_last_hidden_state": state, "first_step_logits": result.logits[:, -1]}


def audio_classes(
    loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five best classes."""
    probabilities = class_probabilities(loaded, outputs["logits"][0], one_is_sigmoid=False)
    return top_classes(probabilities, sample_index, class_label(loaded))


def first_tokens(
    loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five best tokens of the first step."""
    return top_classes(outputs["first_step_logits"][0].double().softmax(-1), sample_index, token_label(loaded))


def characters(
    loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The greedy transcript; its score is the mean of the frames' best probabilities."""
    best = outputs["logits"][0].double().softmax(-1).max(-1)
    with foreign_code("predictions", loaded.info.architecture):
        transcript = str(loaded.processor.tokenizer.decode(best.indices))
    return (Prediction(label=transcript, index=0, score=float(best.values.mean()), sample=sample_index),)


ROWS = (
    Task(
        name="automatic-speech-recognition",
        tag="automatic-speech-recognition",
        modality="audio",
        auto_class="AutoModelForCTC",
        classes=("MODEL_FOR_CTC_MAPPING_NAMES",),
        processors=("audio", "tokenizer"),
        prepare=prepare_sounds,
        forward=recognise,
        read=characters,
        needs=("logits",),
        optional_parts=(MASKED_EMBEDDING,),
    ),
    Task(
        name="speech-to-text",
        tag="automatic-speech-recognition",
        modality="audio",
        auto_class="AutoModelForSpeechSeq2Seq",
        classes=("MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES",),
        processors=("audio", "tokenizer"),
        prepare=prepare_speech,
        forward=transcribe,
        read=first_tokens,
        needs=("first_step_logits",),
        class_scores="first_step_logits",
        shared_inputs=(SPEECH_POSITIONS,),
    ),
    Task(
        name="audio-classification",
        tag="audio-classification",
        modality="audio",
        auto_class="AutoModelForAudioClassification",
        classes=("MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES",),
        processors=("audio",),
        prepare=prepare_sounds,
        forward=classify,
        read=audio_classes,
        needs=("logits",),
        class_scores="logits",
        optional_parts=(MASKED_EMBEDDING,),
    ),
    Task(
        name="audio-feature-extraction",
        tag="feature-extraction",
        modality="audio",
        auto_class="AutoModel",
        classes=(),
        processors=("audio",),
        prepare=prepare_sounds,
        forward=features,
        optional_parts=(MASKED_EMBEDDING,),
    ),
)
