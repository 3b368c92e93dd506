"""What processors make of pictures and videos, and what they read of a result, of models that ask for more."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from npu_adapt.models.images import generated_picture
from npu_adapt.models.processors import Processors
from npu_adapt.models.tasks.encoding import encode_picture, origin_in
from npu_adapt.models.tasks.image import boxes, detect
from npu_adapt.models.tasks.prompts import PICTURE, chatted
from npu_adapt.models.tasks.task import LoadedModel, Sample
from npu_adapt.models.texts import Text


def loaded(module: torch.nn.Module, processors: Processors, **config: Any) -> LoadedModel:
    held = SimpleNamespace(
        module=module,
        config=SimpleNamespace(**config),
        processor=processors,
        path="MODEL",
        info=SimpleNamespace(architecture="Model"),
    )
    return cast(LoadedModel, held)


class OfVideos(torch.nn.Module):
    def forward(self, pixel_values_videos: Tensor) -> None: ...


class OfPictures(torch.nn.Module):
    def forward(self, pixel_values: Tensor, input_ids: Tensor | None = None) -> None: ...


def test_a_model_of_videos_is_given_frames_in_which_the_picture_moves():
    def processor(images: Any, return_tensors: str) -> dict[str, Tensor]:
        return {"pixel_values": torch.tensor(np.asarray(images)).permute(2, 0, 1)[None]}

    picture = generated_picture(0)
    model = loaded(OfVideos(), Processors(image=processor), num_frames=3)
    frames = encode_picture(model, picture, given=False)["pixel_values_videos"]
    assert origin_in(model, picture) == f"{picture.origin}, moved 8 pixels a frame, 3 frames"
    assert frames.shape[:2] == (1, 3)
    assert not torch.equal(frames[0, 0], frames[0, 1])


def test_a_processor_that_gives_the_bare_tensor_is_understood():
    processors = Processors(image=lambda images, return_tensors: torch.zeros(1, 3, 8, 8))
    made = encode_picture(loaded(OfPictures(), processors), generated_picture(0), given=False)
    assert {name: tensor.shape for name, tensor in made.items()} == {"pixel_values": (1, 3, 8, 8)}


def test_no_words_are_read_in_a_picture():
    class Reading:
        apply_ocr = True

        def __call__(self, images: Any, return_tensors: str, *, apply_ocr: bool) -> dict[str, Tensor]:
            return {"pixel_values": torch.full((1, 3, 8, 8), float(apply_ocr))}

    made = encode_picture(loaded(OfPictures(), Processors(image=Reading())), generated_picture(0), given=False)
    assert not made["pixel_values"].any()


def test_a_page_to_be_found_is_prepared_with_its_processors_own_prompt():
    class OfPages:
        def process_images(self, images: Any, return_tensors: str) -> dict[str, Tensor]:
            return {"input_ids": torch.tensor([[7, 7, 1]]), "pixel_values": torch.zeros(1, 3, 8, 8)}

        def __call__(self, **given: Any) -> None:
            raise ValueError("Only one of text or images can be processed at a time")

    model = loaded(OfPictures(), Processors(whole=OfPages()), image_token_id=7)
    found = chatted(model, PICTURE, generated_picture(0).image, Text("What?", "default prompt"))
    assert found is not None
    assert found[0]["input_ids"].tolist() == [[7, 7, 1]]


class Reader:
    """Reads the order of a page's parts, in pixels alone, and asks for a field that few models have."""

    def post_process_object_detection(self, outputs: Any, threshold: float, target_sizes: Tensor) -> list[Any]:
        assert outputs.patch_offsets is None
        order = outputs.relative_order_logits[0].argsort()
        scaled = outputs.pred_boxes[0][order] * target_sizes[0].repeat(2)
        return [{"labels": order, "boxes": scaled, "scores": outputs.logits[0, :, 0]}]


def test_a_processor_may_read_the_order_of_what_was_found():
    class Detector(torch.nn.Module):
        def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
            return {
                "logits": torch.zeros(1, 2, 1),
                "pred_boxes": torch.tensor([[[0.0, 0, 1, 1], [0, 0, 0.5, 0.5]]]),
                "relative_order_logits": torch.tensor([[2.0, 1.0]]),
                "loss": torch.zeros(()),
            }

    outputs = detect(Detector(), {"pixel_values": torch.zeros(1, 3, 8, 8)})
    assert outputs.keys() == {"logits", "pred_boxes", "relative_order_logits"}
    found = boxes(loaded(Detector(), Processors(image=Reader())), Sample({}, (), size=(10, 20)), outputs)
    assert found is not None
    assert found.labels.tolist() == [1, 0]
    assert found.shapes.tolist() == [[0, 0, 5, 10], [0, 0, 10, 20]]
