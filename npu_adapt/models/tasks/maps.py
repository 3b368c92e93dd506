"""Tasks from a picture to a map of it: depth, a better picture, where joints are, the mask of what is pointed at."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from npu_adapt.errors import Sentence
from npu_adapt.models.images import pictures
from npu_adapt.models.strangers import foreign_code
from npu_adapt.models.tasks.image import (
    MASK_TOKEN,
    POOLER,
    SHIPPED_PICTURES,
    image_processor,
    prepare_pictures,
)
from npu_adapt.models.tasks.results import Outputs, outputs_of
from npu_adapt.models.tasks.task import LoadedModel, Sample, Task, accepted, class_label, preparing, sample_of
from npu_adapt.numerics.overlap import Objects
from npu_adapt.records import Prediction

DEPTH, FIELD_OF_VIEW = "predicted_depth", "field_of_view"
PICTURE, HEATMAPS, MASKS = "reconstruction", "heatmaps", "pred_masks"


def prepare_whole_box(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`pixel_values` [1, 3, height, width] of one box, which is the whole picture: the person is taken to fill it."""
    prepared = []
    for picture in pictures(values, loaded.path / SHIPPED_PICTURES, samples, seed):
        box = [[0.0, 0.0, float(picture.image.width), float(picture.image.height)]]
        with preparing(loaded, picture.origin, given=bool(values)):
            encoded = loaded.processor.image(images=picture.image, boxes=[box], return_tensors="pt")
        tensors = accepted(loaded, encoded)
        if getattr(getattr(loaded.config, "backbone_config", None), "num_experts", 1) > 1:
            tensors["dataset_index"] = torch.zeros(1, dtype=torch.long)  # COCO's joints, the first of ViTPose++'s sets
        prepared.append(sample_of(tensors, picture.origin, size=(picture.image.height, picture.image.width)))
    return tuple(prepared)


def prepare_points(loaded: LoadedModel, values: Sequence[str], samples: int, seed: int) -> tuple[Sample, ...]:
    """`pixel_values` [1, 3, height, width] and one point in the middle of the picture, as the prompt."""
    prepared = []
    for picture in pictures(values, loaded.path / SHIPPED_PICTURES, samples, seed):
        with preparing(loaded, picture.origin, given=bool(values)):
            encoded = dict(loaded.processor.image(images=picture.image, return_tensors="pt"))
        height, width = encoded["pixel_values"].shape[-2:]
        if "reshaped_input_sizes" in encoded:  # the picture without what it is padded with
            height, width = (int(each) for each in torch.as_tensor(encoded["reshaped_input_sizes"])[0])
        encoded["input_points"] = torch.tensor([[[[width / 2, height / 2]]]])
        encoded["input_labels"] = torch.ones(1, 1, 1, dtype=torch.long)
        size = (picture.image.height, picture.image.width)
        prepared.append(
            sample_of(
                accepted(loaded, encoded), Sentence("{origin}, its middle pointed at", origin=picture.origin), size=size
            )
        )
    return tuple(prepared)


def estimate_depth(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`predicted_depth` [1, height, width], and the `field_of_view` [1] where the model estimates it."""
    return outputs_of(module(**tensors), (DEPTH, FIELD_OF_VIEW))


def improve(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`reconstruction` [1, 3, height, width] and the `last_hidden_state` where the result holds it."""
    return outputs_of(module(**tensors), (PICTURE, "last_hidden_state"))


def find_joints(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`heatmaps` [boxes, joints, height, width]."""
    return outputs_of(module(**tensors), (HEATMAPS,))


def mask(module: torch.nn.Module, tensors: Mapping[str, Tensor]) -> Outputs:
    """`pred_masks` [1, prompts, masks, height, width] and `iou_scores` [1, prompts, masks]."""
    return outputs_of(module(**tensors), (MASKS, "iou_scores"))


def depths(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The least, the middle and the greatest depth, in the model's unit, of the map in the size of the picture."""
    result = SimpleNamespace(**{FIELD_OF_VIEW: None, **{name: tensor.float() for name, tensor in outputs.items()}})
    read = getattr(image_processor(loaded), "post_process_depth_estimation", None)
    with foreign_code("predictions", loaded.info.architecture):
        depth = outputs[DEPTH] if read is None else read(result, [sample.size])[0][DEPTH]
    values = depth.double().flatten()
    named = {"min": values.min(), "median": values.median(), "max": values.max()}
    return tuple(
        Prediction(label=name, index=number, score=float(value), sample=sample_index)
        for number, (name, value) in enumerate(named.items())
    )


def brightness(
    _loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The size of the new picture, and the mean of each channel, from 0 to 1, in the 8 bits that it is saved in."""
    picture = (outputs[PICTURE][0].float().clamp(0, 1) * 255).round().double() / 255
    height, width = picture.shape[-2:]
    return tuple(
        Prediction(label=f"{width} × {height}, {name}", index=number, score=float(channel.mean()), sample=sample_index)
        for number, (name, channel) in enumerate(zip("RGB", picture, strict=False))
    )


def joints(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The five surest joints with their place in the picture, as transformers' processor reads the heatmaps."""
    assert sample.size is not None
    height, width = sample.size
    with foreign_code("predictions", loaded.info.architecture):
        result = SimpleNamespace(heatmaps=outputs[HEATMAPS].float())
        ((found,),) = image_processor(loaded).post_process_pose_estimation(
            result, boxes=[[[0.0, 0.0, float(width), float(height)]]]
        )
    label = class_label(loaded)
    order = found["scores"].argsort(descending=True)[:5].tolist()
    places = found["keypoints"].tolist()
    return tuple(
        Prediction(
            label=f"{label(index)} ({places[index][0]:.0f}, {places[index][1]:.0f})",
            index=index,
            score=float(found["scores"][index]),
            sample=sample_index,
        )
        for index in order
    )


def shares(
    loaded: LoadedModel, sample: Sample, outputs: Mapping[str, Tensor], sample_index: int
) -> tuple[Prediction, ...]:
    """The masks, the surest first: the share of the picture that each covers, and how good the model thinks it."""
    processor = image_processor(loaded)
    scores = outputs["iou_scores"][0].flatten().double()
    with foreign_code("predictions", loaded.info.architecture):
        masks = _in_the_picture(processor, sample, outputs[MASKS].float()).flatten(0, 1)
    covered = masks.double().flatten(1).mean(1)
    return tuple(
        Prediction(label=f"{100 * covered[index]:.1f} %", index=index, score=float(scores[index]), sample=sample_index)
        for index in scores.argsort(descending=True)[:5].tolist()
    )


def pointed_at(_loaded: LoadedModel, _sample: Sample, outputs: Mapping[str, Tensor]) -> Objects:
    """The masks of the prompt, each a class of its own."""
    masks = outputs[MASKS][0].flatten(0, 1) > 0
    return Objects("masks", torch.arange(len(masks)), masks, torch.ones(len(masks)))


def _in_the_picture(processor: Any, sample: Sample, masks: Tensor) -> Tensor:
    """The masks [prompts, masks, height, width] in the picture's own size, without what it was padded with."""
    width, height = (2 * sample.tensors["input_points"][0, 0, 0]).tolist()  # the prompt is the middle of what is seen
    sizes: dict[str, Any] = {"original_sizes": [sample.size]}
    if "reshaped_input_sizes" in inspect.signature(processor.post_process_masks).parameters:
        sizes["reshaped_input_sizes"] = [(round(height), round(width))]
    (found,) = processor.post_process_masks(masks, **sizes)
    return torch.as_tensor(found)


ROWS = (
    Task(
        name="depth-estimation",
        tag="depth-estimation",
        modality="image",
        auto_class="AutoModelForDepthEstimation",
        classes=("MODEL_FOR_DEPTH_ESTIMATION_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_pictures,
        forward=estimate_depth,
        read=depths,
        needs=(DEPTH,),
        optional_parts=(MASK_TOKEN, POOLER),
    ),
    Task(
        name="image-to-image",
        tag="image-to-image",
        modality="image",
        auto_class="AutoModelForImageToImage",
        classes=("MODEL_FOR_IMAGE_TO_IMAGE_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_pictures,
        forward=improve,
        read=brightness,
        needs=(PICTURE,),
    ),
    Task(
        name="pose-estimation",
        tag="keypoint-detection",
        modality="image",
        auto_class="AutoModelForPoseEstimation",
        classes=("MODEL_FOR_POSE_ESTIMATION_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_whole_box,
        forward=find_joints,
        read=joints,
        needs=(HEATMAPS,),
    ),
    Task(
        name="mask-generation",
        tag="mask-generation",
        modality="image",
        auto_class="AutoModelForMaskGeneration",
        classes=("MODEL_FOR_MASK_GENERATION_MAPPING_NAMES",),
        processors=("image",),
        prepare=prepare_points,
        forward=mask,
        read=shares,
        see=pointed_at,
        needs=(MASKS, "iou_scores"),
    ),
)
