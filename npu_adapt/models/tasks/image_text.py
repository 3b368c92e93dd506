"""Tasks on a picture and texts together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from npu_adapt.errors import Sentence
from npu_adapt.models.images import IMAGE_SUFFIXES, pictures
from npu_adapt.models.tasks.encoding import encode_picture, origin_in
from npu_adapt.models.tasks.image import SHIPPED_PICTURES
from npu_adapt.models.tasks.results import Outputs, outputs_of
from npu_adapt.models.tasks.task import (
    LoadedModel,
    Sample,
    Task,
    accepted,
    input_info,
    preparing,
    require_known_tokens,
    sample_of,
    top_classes,
)
from npu_adapt.models.tasks.text import token_limit
from npu_adapt.records import Prediction

CANDIDATES = (
    "a photo of a cat",
    "a photo of a dog",
    "a photo of a flower",
    "a photo of a building",
    "a photo of the sky",
    "a photo of water",
)


def prepare_candidates(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """Each picture against all candidate texts.

    Values that name picture files are pictures, the others are candidates; `CANDIDATES` where there is none. Candidates
    of different lengths are padded; what the model returns has one row a text, so no padding is compared.
    """
    files = [value for value in values if Path(value).suffix.lower() in IMAGE_SUFFIXES]
    given = tuple(value for value in values if value not in files)
    candidates = given or CANDIDATES
    # SigLIP was trained on texts padded to the full length and has no mask for them; CLIP has one.
    padding = "max_length" if "siglip" in loaded.config.model_type else True
    with preparing(loaded, "candidate texts", given=bool(given)):
        encoded = loaded.processor.tokenizer(
            list(candidates), padding=padding, truncation=True, max_length=token_limit(loaded), return_tensors="pt"
        )
    text = accepted(loaded, encoded)
    require_known_tokens(loaded, text["input_ids"])
    said = "candidate texts {texts}" if given else "candidate texts {texts} (default)"
    origin = Sentence(said, texts="; ".join(candidates))
    prepared = []
    for picture in pictures(files, loaded.path / SHIPPED_PICTURES, samples, seed):
        shown = sample_of(
            accepted(loaded, encode_picture(loaded, picture, given=bool(files))), origin_in(loaded, picture)
        )
        inputs = (*shown.inputs, *(input_info(name, tensor, origin) for name, tensor in text.items()))
        prepared.append(Sample({**shown.tensors, **text}, inputs, labels=tuple(candidates)))
    return tuple(prepared)


def match(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits_per_image` [1, texts] and both sides' embeddings."""
    return outputs_of(module(**tensors), ("logits_per_image", "image_embeds", "text_embeds"))


def candidates(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The best candidates. SigLIP's texts exclude each other in nothing: each has a probability of its own."""
    scores = outputs["logits_per_image"][0].double()
    probabilities = scores.sigmoid() if "siglip" in loaded.config.model_type else scores.softmax(-1)
    return top_classes(probabilities, sample_index, lambda index: sample.labels[index])


ROWS = (
    Task(
        name="zero-shot-image-classification",
        tag="zero-shot-image-classification",
        modality="image+text",
        auto_class="AutoModelForZeroShotImageClassification",
        classes=("MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES",),
        processors=("image", "tokenizer"),
        prepare=prepare_candidates,
        forward=match,
        read=candidates,
        needs=("logits_per_image",),
        class_scores="logits_per_image",
        shared_inputs=("input_ids", "attention_mask", "token_type_ids", "position_ids"),  # the candidates
    ),
)
