"""Tasks on texts."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from msgspec import structs
from torch import Tensor

from npu_adapt.errors import Sentence, UsageError
from npu_adapt.models.tasks.image import POOLER, with_hidden_state
from npu_adapt.models.tasks.results import Outputs, outputs_of
from npu_adapt.models.tasks.task import (
    Generation,
    LoadedModel,
    Sample,
    Task,
    accepted,
    class_label,
    class_probabilities,
    input_info,
    preparing,
    require_known_tokens,
    sample_of,
    token_label,
    top_classes,
)
from npu_adapt.models.texts import Text, texts
from npu_adapt.records import Prediction

MASK_POSITION = "mask_position"  # an input of ours, not of the model: where the masked token stands, [1]


def prepare_texts(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`input_ids` [1, tokens] and what else the tokenizer gives. One text a batch, so nothing is padded."""
    return tuple(sample_of(*encode_text(loaded, text, given=bool(values))) for text in texts(values, samples, seed))


def prepare_features(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """As `prepare_texts`; the decoder of an encoder-decoder reads the same tokens behind its start token.

    BART makes this input of its own, T5 wants to be given it.
    """
    prepared = prepare_texts(loaded, values, samples, seed)
    start = getattr(loaded.config, "decoder_start_token_id", None)
    if not getattr(loaded.config, "is_encoder_decoder", False) or start is None:
        return prepared
    return tuple(_with_decoder_input(sample, start) for sample in prepared)


def _with_decoder_input(sample: Sample, start: int) -> Sample:
    ids = sample.tensors["input_ids"]
    shifted = torch.cat([torch.full_like(ids[:, :1], start), ids[:, :-1]], dim=1)
    given = sample.inputs[0]
    read = structs.replace(input_info("decoder_input_ids", shifted, given.origin), said=given.said)
    return replace(sample, tensors={**sample.tensors, "decoder_input_ids": shifted}, inputs=(*sample.inputs, read))


def prepare_masked(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """As `prepare_texts`, with `mask_position`. Of a text without the tokenizer's mask, the middle token is masked."""
    if loaded.processor.tokenizer.mask_token_id is None:
        raise UsageError("the tokenizer has no mask token", hint="this model does not fill masks; give another --task")
    return tuple(_masked(loaded, text, given=bool(values)) for text in texts(values, samples, seed))


def _masked(loaded: LoadedModel, text: Text, *, given: bool) -> Sample:
    tokenizer = loaded.processor.tokenizer
    encoded, origin = encode_text(loaded, text, given=given)
    ids = encoded["input_ids"]
    positions = (ids[0] == tokenizer.mask_token_id).nonzero()[:1, 0]
    if not positions.numel():
        if str(tokenizer.mask_token) in text.text:
            raise UsageError(
                Sentence(
                    "{mask_token} stands beyond the {count} tokens that the model reads",
                    mask_token=tokenizer.mask_token,
                    count=ids.shape[1],
                ),
                hint="shorten the text before it",
            )
        position = _middle(ids[0].tolist(), set(tokenizer.all_special_ids))
        label = token_label(loaded)(int(ids[0, position]))
        origin = Sentence("{origin}, token {number} ({label}) masked", origin=origin, number=position + 1, label=label)
        positions = torch.tensor([position])
        encoded["input_ids"] = ids.clone()
        encoded["input_ids"][0, position] = tokenizer.mask_token_id
    return sample_of({**encoded, MASK_POSITION: positions}, origin)


def _middle(ids: Sequence[int], special: Collection[int]) -> int:
    """The place of the middle token of the text. Raises `UsageError` where all are special ones."""
    places = [place for place, token in enumerate(ids) if token not in special]
    if not places:
        raise UsageError("the input text gives no tokens to mask", hint="give a text in the model's language")
    return places[len(places) // 2]


def encode_text(loaded: LoadedModel, text: Text, *, given: bool) -> tuple[dict[str, Tensor], str]:
    """The tokens, cut to as many as the model has positions for, and where they are from."""
    limit = token_limit(loaded)
    cut = {} if limit is None else {"truncation": True, "max_length": limit}
    origin = text.origin
    with preparing(loaded, origin, given=given):
        encoded = loaded.processor.tokenizer(text.text, return_tensors="pt", **cut)
        count = encoded["input_ids"].shape[-1]
        origin = cut_said(loaded, origin, encoded, limit, [text.text])
    if not count:
        raise UsageError("the input text gives no tokens", hint="give a text in the model's language")
    require_known_tokens(loaded, encoded["input_ids"])
    return accepted(loaded, encoded), origin


def cut_said(loaded: LoadedModel, origin: str, encoded: Mapping[str, Tensor], limit: int | None, *given: Any) -> str:
    """Where texts are from, and what was cut of them; `given` is what the tokenizer was given for them."""
    if limit is None or encoded["input_ids"].shape[-1] < limit:
        return origin
    whole = max(map(len, loaded.processor.tokenizer(*given)["input_ids"]))
    if whole <= limit:
        return origin
    said = "{origin}, cut to the {limit} tokens that the model reads, of {whole}"
    return Sentence(said, origin=origin, limit=limit, whole=whole)


_POSITIONS = re.compile(r"(^|\.)(position_embeddings?|embed_positions|wpe|positions_embed)$")


_PICTURES = re.compile(r"vision|visual|image")  # towers whose positions are patches


def token_limit(loaded: LoadedModel) -> int | None:
    """How many tokens the model has positions for. None: it says of none.

    A table of positions may begin later: RoBERTa's after its padding's number, OPT's and BART's after `offset`.
    """
    limits = []
    for name, module in loaded.module.named_modules():
        if isinstance(module, torch.nn.Embedding) and _POSITIONS.search(name) and not _PICTURES.search(name):
            padding = -1 if module.padding_idx is None else module.padding_idx
            limits.append(module.num_embeddings - max(padding + 1, int(getattr(module, "offset", 0))))
    text_config = getattr(loaded.config, "text_config", loaded.config)
    said = getattr(text_config, "max_position_embeddings", None)
    if not limits and isinstance(said, int) and said > 0:
        limits.append(said)
    known = getattr(loaded.processor.tokenizer, "model_max_length", None)
    if isinstance(known, int) and 0 < known < _NO_LIMIT:
        limits.append(known)
    return max(1, min(limits)) if limits else None


_NO_LIMIT = 10**9  # tokenizers without a limit say 10^30


def features(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`last_hidden_state` [1, tokens, width]; of an encoder-decoder its encoder's too, of a pooler `pooler_output`."""
    return outputs_of(module(**tensors), ("last_hidden_state", "encoder_last_hidden_state", "pooler_output"))


def classify(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` [1, classes] and the base model's `last_hidden_state`."""
    return with_hidden_state(module, tensors, ("logits",))


def fill_mask(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` of all positions [1, tokens, vocabulary], those at the mask [1, vocabulary], and the hidden state."""
    inputs = {name: tensor for name, tensor in tensors.items() if name != MASK_POSITION}
    outputs = with_hidden_state(module, inputs, ("logits",))
    if "logits" not in outputs:
        return outputs
    return {**outputs, "mask_logits": outputs["logits"].index_select(1, tensors[MASK_POSITION])[:, 0]}


def generate(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` of all positions [1, tokens, vocabulary], and those of the next token [1, vocabulary]."""
    outputs = outputs_of(module(**tensors, use_cache=False), ("logits",))
    return {**outputs, "next_token_logits": outputs["logits"][:, -1]} if "logits" in outputs else outputs


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


def text_classes(
    loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five best classes."""
    return top_classes(class_probabilities(loaded, outputs["logits"][0]), sample_index, class_label(loaded))


MOST_TOKENS = 20  # of a text whose tokens are labelled


def token_classes(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The class of each token but the special ones and those outside of all entities ("O"), in the text's order."""
    special = set(loaded.processor.tokenizer.all_special_ids)
    best = outputs["logits"][0].double().softmax(-1).max(-1)
    label, word = class_label(loaded), token_label(loaded)
    found = zip(sample.tensors["input_ids"][0].tolist(), best.indices.tolist(), best.values.tolist(), strict=True)
    named = [(token, index, score) for token, index, score in found if token not in special and label(index) != "O"]
    return tuple(
        Prediction(label=f"{word(token)}: {label(index)}", index=index, score=score, sample=sample_index)
        for token, index, score in named[:MOST_TOKENS]
    )


def mask_tokens(
    loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five best tokens for the mask."""
    return top_classes(outputs["mask_logits"][0].double().softmax(-1), sample_index, token_label(loaded))


def next_tokens(
    loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five best next tokens."""
    return top_classes(outputs["next_token_logits"][0].double().softmax(-1), sample_index, token_label(loaded))


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
        read=text_classes,
        needs=("logits",),
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
        read=token_classes,
        needs=("logits",),
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
        read=mask_tokens,
        needs=("mask_logits",),
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
        read=next_tokens,
        needs=("next_token_logits",),
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
        prepare=prepare_features,
        forward=features,
        optional_parts=(POOLER,),
    ),
)
