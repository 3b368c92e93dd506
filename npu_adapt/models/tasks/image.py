"""Tasks on pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from npu_adapt.models.images import pictures
from npu_adapt.models.tasks.task import (
    LoadedModel,
    Outputs,
    Sample,
    Task,
    accepted,
    class_label,
    present,
    sample_of,
    top_classes,
)
from npu_adapt.records import Prediction

SHIPPED_PICTURES = "images"  # the folder of a model's own test pictures, as builtin:digits-vit has one
FEATURES = ("last_hidden_state", "pooler_output")
# A mask token replaces patches in pre-training only.
MASK_TOKEN = r"(^|\.)mask_token$"
POOLER = r"(^|\.)pooler\."


def prepare_pictures(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`pixel_values` [1, 3, height, width] and, for detectors, `pixel_mask`."""
    chosen = pictures(values, loaded.path / SHIPPED_PICTURES, samples, seed)
    return tuple(
        sample_of(accepted(loaded, loaded.processor.image(images=picture.image, return_tensors="pt")), picture.origin)
        for picture in chosen
    )


def with_hidden_state(module: torch.nn.Module, tensors: Mapping[str, Tensor], fields: Sequence[str]) -> Outputs:
    """The model's `fields` and its base model's `last_hidden_state`, from one forward.

    The base model returns the state after its final norm; `hidden_states[-1]` of the whole model is before it.
    """
    captured: Outputs = {}

    def capture(_module: torch.nn.Module, _arguments: Any, result: Any) -> None:
        captured.update(present(result, ("last_hidden_state",)))

    base = module.base_model
    assert isinstance(base, torch.nn.Module)
    handle = base.register_forward_hook(capture) if base is not module else None
    try:
        result = module(**tensors)
    finally:
        if handle is not None:
            handle.remove()
    return present(result, fields) | captured


def classify(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` [1, classes] and `last_hidden_state` (ViT-B/16: [1, 197, 768])."""
    return with_hidden_state(module, tensors, ("logits",))


def features(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`last_hidden_state`, and `pooler_output` where the model has one."""
    return present(module(**tensors), FEATURES)


def detect(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` [1, queries, classes + 1], `pred_boxes` [1, queries, 4], and the last hidden states."""
    return present(module(**tensors), ("logits", "pred_boxes", "last_hidden_state", "encoder_last_hidden_state"))


def segment(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` [1, classes, height, width], or a mask classifier's class and mask logits, and the hidden state."""
    return with_hidden_state(module, tensors, ("logits", "class_queries_logits", "masks_queries_logits"))


def timm_classify(module: Any, tensors: Mapping[str, Tensor]) -> Outputs:
    """As `classify`, for timm's models: their features (after the final norm) and their head, in that order."""
    state = module.timm_model.forward_features(tensors["pixel_values"])
    return {"logits": module.timm_model.forward_head(state), "last_hidden_state": state}


def image_classes(loaded: LoadedModel, outputs: Mapping[str, Tensor], sample_index: int) -> tuple[Prediction, ...]:
    """The five best classes."""
    return top_classes(outputs["logits"][0], sample_index, class_label(loaded))


def detections(loaded: LoadedModel, outputs: Mapping[str, Tensor], sample_index: int) -> tuple[Prediction, ...]:
    """The five boxes of the highest class score; DETR's last class means "no object" and is no label."""
    label = class_label(loaded)
    scores = outputs["logits"][0].double().softmax(-1)[:, : loaded.config.num_labels]
    best = scores.max(-1)
    order = best.values.argsort(descending=True)[:5].tolist()
    return tuple(
        Prediction(
            label=label(int(best.indices[query])),
            index=int(best.indices[query]),
            score=float(best.values[query]),
            sample=sample_index,
        )
        for query in order
    )


ROWS = (
    Task(
        name="timm-image-classification",
        tag="image-classification",
        modality="image",
        auto_class="AutoModelForImageClassification",
        classes=("MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_pictures,
        forward=timm_classify,
        predictions=image_classes,
        class_scores="logits",
        model_types=("timm_wrapper",),
    ),
    Task(
        name="image-classification",
        tag="image-classification",
        modality="image",
        auto_class="AutoModelForImageClassification",
        classes=("MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_pictures,
        forward=classify,
        predictions=image_classes,
        class_scores="logits",
        optional_parts=(MASK_TOKEN,),
    ),
    Task(
        name="object-detection",
        tag="object-detection",
        modality="image",
        auto_class="AutoModelForObjectDetection",
        classes=("MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_pictures,
        forward=detect,
        predictions=detections,
        optional_parts=(MASK_TOKEN, POOLER),
    ),
    Task(
        name="image-segmentation",
        tag="image-segmentation",
        modality="image",
        auto_class="AutoModelForSemanticSegmentation",
        classes=("MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_pictures,
        forward=segment,
        optional_parts=(MASK_TOKEN,),
    ),
    Task(
        name="mask-segmentation",
        tag="image-segmentation",
        modality="image",
        auto_class="AutoModelForUniversalSegmentation",
        classes=("MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_pictures,
        forward=segment,
        optional_parts=(MASK_TOKEN,),
    ),
    Task(
        name="image-feature-extraction",
        tag="image-feature-extraction",
        modality="image",
        auto_class="AutoModel",
        classes=(),
        processors=("image",),
        prepare=prepare_pictures,
        forward=features,
        optional_parts=(MASK_TOKEN, POOLER),
    ),
)
