"""Tasks on a sound and a text together: chat about what is heard, and speech recognition by a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from npu_adapt.models.sounds import SOUND_SUFFIXES, sounds
from npu_adapt.models.tasks.audio import encode_sound, sampling_rate
from npu_adapt.models.tasks.image_to_text import chat
from npu_adapt.models.tasks.prompts import SOUND, chatted, placed, prompt_sample, token_of
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task
from npu_adapt.models.tasks.text import encode_text, next_tokens
from npu_adapt.models.texts import Text

PROMPT = "What is said in this recording?"


def hears(config: Any) -> bool:
    """Whether a sound has its place in the prompt of a decoder."""
    return token_of(config, SOUND) is not None and not getattr(config, "is_encoder_decoder", False)


def prepare_heard(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """Each sound in a prompt. Values that name sound files are sounds; another value is the prompt.

    The checkpoint's processor writes the prompt by its chat template. Where there is only a tokenizer, the prompt is
    read as it is, and the model itself says how many tokens a sound takes.
    """
    files = [value for value in values if Path(value).suffix.lower() in SOUND_SUFFIXES]
    prompts = [value for value in values if value not in files]
    text = Text(prompts[0], "prompt given with --input") if prompts else Text(PROMPT, "default prompt")
    rate, prepared = sampling_rate(loaded), []
    for sound in sounds(files, rate, samples, seed):
        found = chatted(loaded, SOUND, sound.waveform, text)
        if found is None:
            words, origin = encode_text(loaded, text, given=bool(prompts))
            found = placed(loaded, SOUND, encode_sound(loaded, sound, bool(files)), words), origin
        prepared.append(prompt_sample(found[0], sound.origin, found[1]))
    return tuple(prepared)


ROWS = (
    Task(
        name="audio-text-to-text",
        tag="audio-text-to-text",
        modality="audio+text",
        auto_class="",
        classes=(
            "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES",
            "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
            "MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES",
        ),
        processors=("audio", "tokenizer", "whole"),
        prepare=prepare_heard,
        forward=chat,
        read=next_tokens,
        needs=("next_token_logits",),
        class_scores="next_token_logits",
        suits=hears,
    ),
)
