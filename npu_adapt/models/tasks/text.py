"""Tasks on texts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import UsageError
from npu_adapt.models.tasks.image import POOLER, with_hidden_state
from npu_adapt.models.tasks.task import (
    Generation,
    LoadedModel,
    Outputs,
    Sample,
    Task,
    accepted,
    class_label,
    present,
    sample_of,
    token_label,
    top_classes,
)
from npu_adapt.models.texts import Text, texts
from npu_adapt.records import Prediction

MASK_POSITION = "mask_position"  # an input of ours, not of the model: where the masked token stands, [1]


def prepare_texts(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`input_ids` [1, tokens] and what else the tokenizer gives. One text a batch, so nothing is padded."""
    return tuple(sample_of(_encode(loaded, text), text.origin) for text in texts(values, samples, seed))


def prepare_masked(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """As `prepare_texts`, with `mask_position`. A text without the tokenizer's mask has its middle word masked."""
    return tuple(_masked(loaded, text) for text in texts(values, samples, seed))


def _masked(loaded: LoadedModel, text: Text) -> Sample:
    mask = loaded.processor.tokenizer.mask_token
    if mask is None:
        raise UsageError("the tokenizer has no mask token", hint="this model does not fill masks; give another --task")
    if mask not in text.text:
        words = text.text.split()
        words[len(words) // 2] = mask
        text = Text(" ".join(words), f"{text.origin}, word {len(words) // 2 + 1} masked")
    encoded = _encode(loaded, text)
    positions = (encoded["input_ids"][0] == loaded.processor.tokenizer.mask_token_id).nonzero()[:1, 0]
    return sample_of({**encoded, MASK_POSITION: positions}, text.origin)


def _encode(loaded: LoadedModel, text: Text) -> dict[str, Tensor]:
    """Cut to the length that the model has positions for."""
    limit = getattr(loaded.config, "max_position_embeddings", None)
    encoded = loaded.processor.tokenizer(text.text, return_tensors="pt", truncation=limit is not None, max_length=limit)
    if not encoded["input_ids"].numel():
        raise UsageError("the input text gives no tokens", hint="give a text in the model's language")
    return accepted(loaded, encoded)


def features(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`last_hidden_state` [1, tokens, width], and `pooler_output` where the checkpoint holds a pooler."""
    return present(module(**tensors), ("last_hidden_state", "pooler_output"))


def classify(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` [1, classes] and the base model's `last_hidden_state`."""
    return with_hidden_state(module, tensors, ("logits",))


def fill_mask(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` of all positions [1, tokens, vocabulary], those at the mask [1, vocabulary], and the hidden state."""
    inputs = {name: tensor for name, tensor in tensors.items() if name != MASK_POSITION}
    outputs = with_hidden_state(module, inputs, ("logits",))
    return {**outputs, "mask_logits": outputs["logits"].index_select(1, tensors[MASK_POSITION])[:, 0]}


def generate(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` of all positions [1, tokens, vocabulary], and those of the next token [1, vocabulary]."""
    logits = module(**tensors, use_cache=False).logits
    return {"logits": logits, "next_token_logits": logits[:, -1]}


def prefill(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> tuple[Tensor, Any]:
    """The logits after the prompt [batch, vocabulary], and the cache as `decode` takes it; None: it keeps none."""
    result = module(**tensors, use_cache=True)
    cache = getattr(result, "past_key_values", None)
    # The argument's name is changing in transformers 5.
    name = "cache" if "cache" in inspect.signature(module.forward).parameters else "past_key_values"
    return result.logits[:, -1], None if cache is None else {name: cache}


def decode(module: torch.nn.Module, tokens: Tensor, cache: Any) -> Tensor:
    """The logits after `tokens` [batch, 1] that follow what `cache` holds, which grows by them."""
    logits: Tensor = module(input_ids=tokens, **cache, use_cache=True).logits
    return logits[:, -1]


def text_classes(loaded: LoadedModel, outputs: Mapping[str, Tensor], sample_index: int) -> tuple[Prediction, ...]:
    """The five best classes."""
    return top_classes(outputs["logits"][0], sample_index, class_label(loaded))


def mask_tokens(loaded: LoadedModel, outputs: Mapping[str, Tensor], sample_index: int) -> tuple[Prediction, ...]:
    """The five best tokens for the mask."""
    return top_classes(outputs["mask_logits"][0], sample_index, token_label(loaded))


def next_tokens(loaded: LoadedModel, outputs: Mapping[str, Tensor], sample_index: int) -> tuple[Prediction, ...]:
    """The five best next tokens."""
    return top_classes(outputs["next_token_logits"][0], sample_index, token_label(loaded))


ROWS = (
    Task(
        name="text-classification",
        tag="text-classification",
        modality="text",
        auto_class="AutoModelForSequenceClassification",
        classes=("MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES",),
        processors=("tokenizer",),
        prepare=prepare_texts,
        forward=classify,
        predictions=text_classes,
        class_scores="logits",
    ),
    Task(
        name="token-classification",
        tag="token-classification",
        modality="text",
        auto_class="AutoModelForTokenClassification",
        classes=("MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES",),
        processors=("tokenizer",),
        prepare=prepare_texts,
        forward=classify,
    ),
    Task(
        name="fill-mask",
        tag="fill-mask",
        modality="text",
        auto_class="AutoModelForMaskedLM",
        classes=("MODEL_FOR_MASKED_LM_MAPPING_NAMES",),
        processors=("tokenizer",),
        prepare=prepare_masked,
        forward=fill_mask,
        predictions=mask_tokens,
        class_scores="mask_logits",
        shared_inputs=(MASK_POSITION,),
    ),
    Task(
        name="text-generation",
        tag="text-generation",
        modality="text",
        auto_class="AutoModelForCausalLM",
        classes=("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",),
        processors=("tokenizer",),
        prepare=prepare_texts,
        forward=generate,
        predictions=next_tokens,
        class_scores="next_token_logits",
        generation=Generation(prefill, decode),
    ),
    Task(
        name="feature-extraction",
        tag="feature-extraction",
        modality="text",
        auto_class="AutoModel",
        classes=(),
        processors=("tokenizer",),
        prepare=prepare_texts,
        forward=features,
        optional_parts=(POOLER,),
    ),
)
