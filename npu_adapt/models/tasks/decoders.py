"""Models that read an input with one half and write text with the other: where the writing starts, and its scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import ModelError, Sentence
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks.results import Outputs, present
from npu_adapt.models.tasks.task import LoadedModel, Sample, token_label, top_classes
from npu_adapt.records import Prediction

FIRST_STEP = "first_step_logits"  # the scores of the token that is written first, [1, vocabulary]
# A transducer begins with the token that stands for no output.
_STARTS = ("decoder_start_token_id", "bos_token_id", "blank_token_id", "pad_token_id")


def start_token(loaded: LoadedModel) -> int:
    """The token that the decoder starts with. Raises `ModelError` where the checkpoint names none."""
    if (found := may_start_token(loaded)) is not None:
        return found
    raise ModelError(
        Sentence("{path} names no token that its decoder starts with", path=loaded.path),
        hint="set decoder_start_token_id in config.json, as the checkpoint's authors have it",
    )


def may_start_token(loaded: LoadedModel) -> int | None:
    """The token that the decoder starts with. None: the checkpoint names none."""
    with foreign_code("configuration", loaded.path):
        for name in _STARTS:
            for config in _configs(loaded):
                value = getattr(config, name, None)
                value = value[0] if isinstance(value, (list, tuple)) and value else value
                if isinstance(value, int):
                    return value
    return None


def _configs(loaded: LoadedModel) -> Iterator[Any]:
    yield loaded.config
    yield getattr(loaded.module, "generation_config", None)
    for name in ("decoder", "text_config"):
        yield getattr(loaded.config, name, None)


def teacher_forced(loaded: LoadedModel, tokens: Tensor, longest: int = 32) -> Tensor:
    """Decoder inputs [1, n] for the text `tokens` [1, tokens]: the start token, and the text moved one place on."""
    start = torch.tensor([[start_token(loaded)]])
    return torch.cat([start, tokens[:, : longest - 1]], dim=1)


def encode_and_write(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """The encoder's state, the logits of all decoder positions, and those of the first step [1, vocabulary]."""
    result = module(**tensors, use_cache=False)
    found = present(result, ("encoder_last_hidden_state", "logits"))
    return {**found, FIRST_STEP: found["logits"][:, 0]} if found.get("logits") is not None else found


def first_step_tokens(
    loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five best tokens of the first step."""
    return top_classes(outputs[FIRST_STEP][0].double().softmax(-1), sample_index, token_label(loaded))
