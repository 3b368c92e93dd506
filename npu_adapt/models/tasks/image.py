"""Tasks on pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from npu_adapt.models.images import pictures
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks.encoding import encode_picture, origin_in
from npu_adapt.models.tasks.results import Outputs, outputs_of, present
from npu_adapt.models.tasks.task import (
    LoadedModel,
    Sample,
    Task,
    accepted,
    class_label,
    class_probabilities,
    sample_of,
    top_classes,
)
from npu_adapt.numerics.overlap import Objects
from npu_adapt.records import Prediction

SHIPPED_PICTURES = "images"  # the folder of a model's own test pictures, as builtin:digits-vit has one
FEATURES = ("last_hidden_state", "pooler_output")
# A mask token replaces patches in pre-training only.
MASK_TOKEN = r"(^|\.)mask_token$"
POOLER = r"(^|\.)pooler\."


def prepare_pictures(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`pixel_values` [1, 3, height, width] and, for detectors, `pixel_mask`."""
    prepared = []
    for picture in pictures(values, loaded.path / SHIPPED_PICTURES, samples, seed):
        encoded = accepted(loaded, encode_picture(loaded, picture, given=bool(values)))
        prepared.append(
            sample_of(encoded, origin_in(loaded, picture), size=(picture.image.height, picture.image.width))
        )
    return tuple(prepared)


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
    return outputs_of(result, fields) | captured


def classify(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` [1, classes] and `last_hidden_state` (ViT-B/16: [1, 197, 768])."""
    return with_hidden_state(module, tensors, ("logits",))


def features(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`last_hidden_state`, and `pooler_output` where the model has one."""
    return outputs_of(module(**tensors), FEATURES)


def detect(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` [1, queries, classes + 1], `pred_boxes` [1, queries, 4], and the last hidden states.

    Detectors of a page's parts give the masks of these, and scores of the order in which they are read, too.
    """
    result = module(**tensors)
    order = [name for name, value in present(result, getattr(result, "keys", tuple)()).items() if _ORDER.search(name)]
    return outputs_of(
        result, ("logits", "pred_boxes", "last_hidden_state", "encoder_last_hidden_state", "out_masks", *order)
    )


_ORDER = re.compile(r"(^|_)order_logits$")


def segment(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`logits` [1, classes, height, width], or a mask classifier's class and mask logits, and the hidden state."""
    return with_hidden_state(module, tensors, ("logits", "class_queries_logits", "masks_queries_logits"))


def timm_classify(module: Any, tensors: Mapping[str, Tensor]) -> Outputs:
    """As `classify`, for timm's models: their features (after the final norm) and their head, in that order."""
    state = module.timm_model.forward_features(tensors["pixel_values"])
    return {"logits": module.timm_model.forward_head(state), "last_hidden_state": state}


def image_classes(
    loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five best classes, of the first row of scores where there are several."""
    scores = outputs["logits"].flatten(0, -2)[0]
    return top_classes(class_probabilities(loaded, scores), sample_index, class_label(loaded))


def detections(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five boxes of the highest score, as transformers' processor for the model reads them, if it does."""
    if not hasattr(image_processor(loaded), "post_process_object_detection"):
        return ()
    found = _detected(loaded, sample, outputs)
    label = class_label(loaded)
    order = found["scores"].argsort(descending=True)[:5]
    return tuple(
        Prediction(label=label(index), index=index, score=score, sample=sample_index)
        for index, score in zip(found["labels"][order].tolist(), found["scores"][order].tolist(), strict=True)
    )


def _detected(loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """`labels`, `boxes` in pixels and `scores` of one sample, as transformers' processor for the model reads them."""
    with foreign_code("predictions", loaded.info.architecture):
        sizes = None if sample.size is None else torch.tensor([sample.size])
        found: Mapping[str, Tensor]
        (found,) = image_processor(loaded).post_process_object_detection(
            _result_of(outputs), threshold=0.0, target_sizes=sizes
        )
    return found


class _Result(SimpleNamespace):
    """A model's result as a processor reads it: a field that the outputs do not hold is None, as there."""

    def __getattr__(self, _name: str) -> None:
        return None


def _result_of(outputs: Mapping[str, Tensor]) -> _Result:
    return _Result(**{name: tensor.float() for name, tensor in outputs.items()})


def boxes(loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor]) -> Objects | None:
    """All boxes with their best class, as transformers' processor reads them, in pixels. None: it reads none."""
    if not hasattr(image_processor(loaded), "post_process_object_detection"):
        return None
    found = _detected(loaded, sample, outputs)
    return Objects("boxes", found["labels"], found["boxes"], found["scores"])


def areas(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five classes of the largest area, with their share of the picture in place of a score."""
    classes = _class_of_pixels(loaded, sample, outputs)
    if classes is None:
        return ()
    counts = classes.flatten().long().bincount().double()
    found = top_classes(counts / counts.sum(), sample_index, class_label(loaded))
    return tuple(prediction for prediction in found if prediction.score > 0)


def masks_of_classes(loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor]) -> Objects | None:
    """One mask for each class that the picture shows. None: transformers' processor does not read the outputs."""
    classes = _class_of_pixels(loaded, sample, outputs)
    if classes is None:
        return None
    labels = torch.unique(classes)
    return Objects("masks", labels, classes[None] == labels[:, None, None], torch.ones(len(labels)))


def _class_of_pixels(loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor]) -> Tensor | None:
    """[height, width], as transformers' processor for the model reads the outputs. None: it does not."""
    if not hasattr(image_processor(loaded), "post_process_semantic_segmentation"):
        return None
    with foreign_code("predictions", loaded.info.architecture):
        sizes = None if sample.size is None else [sample.size]
        classes: Tensor
        (classes,) = image_processor(loaded).post_process_semantic_segmentation(_result_of(outputs), target_sizes=sizes)
    return classes


def image_processor(loaded: LoadedModel) -> Any:
    """The image processor itself, where options were bound to its call."""
    return getattr(loaded.processor.image, "func", loaded.processor.image)


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
        read=image_classes,
        needs=("logits",),
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
        read=image_classes,
        needs=("logits",),
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
        read=detections,
        see=boxes,
        needs=("logits", "pred_boxes"),
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
        read=areas,
        see=masks_of_classes,
        needs=("logits",),
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
        read=areas,
        see=masks_of_classes,
        needs=("class_queries_logits", "masks_queries_logits"),
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
