"""Tasks on a sound and a text together: chat about what is heard, and speech recognition by a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from npu_adapt.models.sounds import SOUND_SUFFIXES, sounds
from npu_adapt.models.tasks.audio import encode_sound, sampling_rate
from npu_adapt.models.tasks.image_to_text import chat
from npu_adapt.models.tasks.prompts import SOUND, asked, in_prompt, token_of
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task
from npu_adapt.models.tasks.text import next_tokens

PROMPT = "What is said in this recording?"


def hears(config: Any) -> bool:
    """Whether a sound has its place in the prompt of a decoder."""
    return token_of(config, SOUND) is not None and not getattr(config, "is_encoder_decoder", False)


def prepare_heard(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """Each sound in a prompt. Values that name sound files are sounds; another value is the prompt."""
    prompt = asked(values, SOUND_SUFFIXES, PROMPT)
    found = sounds(prompt.files, sampling_rate(loaded), samples, seed)
    return tuple(
        in_prompt(
            loaded, SOUND, each.waveform, each.origin, prompt, partial(encode_sound, loaded, each, bool(prompt.files))
        )
        for each in found
    )


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
