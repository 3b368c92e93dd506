"""Trains `builtin:digits-vit`, the small vision transformer that npu-adapt carries, and writes it in HF format.

    python tests/train_digits_vit.py [OUT]          2.5 minutes on two cores; OUT defaults to the package's assets

The data are scikit-learn's 1,797 scanned digits of 8 x 8 pixels. They are split into training and held-out images
before anything else; the held-out ones are never trained on, and no choice of the recipe was made per image. Every
image goes through the processor that ships with the model, so that what is trained is what a user runs. The seed is
fixed: the same versions of the libraries give the same weights.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn import functional

sys.modules.setdefault("torch_npu", None)  # type: ignore[arg-type]  # transformers imports it wherever it is
# installed, and without CANN it cannot be imported

from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor  # noqa: E402

ASSET = Path(__file__).parents[1] / "npu_adapt" / "assets" / "digits-vit"
SEED = 0
HELD_OUT = 360  # images, a fifth
EPOCHS = 150
BATCH = 128
PEAK_LEARNING_RATE = 2e-3
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

CONFIG: dict[str, Any] = {
    "architectures": ["ViTForImageClassification"],
    "model_type": "vit",
    "attention_probs_dropout_prob": 0.0,
    "dtype": "float32",
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 64,
    "id2label": {str(index): word for index, word in enumerate(WORDS)},
    "image_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 128,
    "label2id": {word: index for index, word in enumerate(WORDS)},
    "layer_norm_eps": 1e-12,
    "num_attention_heads": 4,
    "num_channels": 3,
    "num_hidden_layers": 4,
    "patch_size": 8,
    "qkv_bias": True,
}
PROCESSOR: dict[str, Any] = {
    "image_processor_type": "ViTImageProcessor",
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "rescale_factor": 1 / 255,
    "size": {"height": 32, "width": 32},
}
CARD = """---
license: apache-2.0
library_name: transformers
pipeline_tag: image-classification
---
# digits-vit

A vision transformer of {parameters:,} parameters (`ViTForImageClassification`, 4 layers of width 64, patches of 8 x 8)
that reads scanned digits. npu-adapt carries it so that a machine without network has real weights and real pictures.

Held-out accuracy: {correct} of {total} images, {accuracy:.2%}. The images were set apart before the training.

- Data: `sklearn.datasets.load_digits`, 1,797 digits of 8 x 8 pixels (Alpaydin and Kaynak, Optical Recognition of
  Handwritten Digits, UCI Machine Learning Repository, CC BY 4.0). `images/` holds one held-out image of each digit,
  untouched but for the scale (0-16 written as 0-255); `images/labels.json` says what each shows.
- Made by `python tests/train_digits_vit.py` in npu-adapt's repository: fixed seed, on a CPU, in two and a half minutes.
- Knows upright digits, light on dark, filling the picture. Any other picture gets a digit for an answer too.
"""


class Digits(NamedTuple):
    """Images of one part of the split, in a fixed order."""

    images: list[Image.Image]
    labels: list[int]


def split() -> tuple[Digits, Digits]:
    """The training and the held-out part, stratified by digit, the same on every machine."""
    data = load_digits()
    train, held_out = train_test_split(
        np.arange(len(data.target)), test_size=HELD_OUT, random_state=SEED, stratify=data.target
    )

    def part(indices: Any) -> Digits:
        return Digits([picture(data.images[i]) for i in indices], [int(data.target[i]) for i in indices])

    return part(train), part(held_out)


def picture(pixels: Any) -> Image.Image:
    """The 8 x 8 scan (0-16) as an RGB image (0-255)."""
    return Image.fromarray(np.round(pixels * (255 / 16)).astype(np.uint8)).convert("RGB")


def pixel_values(images: list[Image.Image], directory: Path) -> torch.Tensor:
    """The images through the model's own processor: float32, (images, 3, 32, 32)."""
    processor = ViTImageProcessor.from_pretrained(directory)
    values: torch.Tensor = processor(images, return_tensors="pt")["pixel_values"]
    return values


def accuracy(model: ViTForImageClassification, pixels: torch.Tensor, labels: torch.Tensor) -> float:
    """The part of the images whose highest score is the right digit."""
    model.eval()
    with torch.inference_mode():
        return float((model(pixels).logits.argmax(-1) == labels).float().mean())


def augmented(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Each image moved by up to 1.2 of the scan's pixels, turned by up to 12 degrees and scaled by up to 12 %."""

    def uniform(limit: float) -> torch.Tensor:
        return (torch.rand(len(pixels), generator=generator) * 2 - 1) * limit

    angle, scale = uniform(math.radians(12)), 1 + uniform(0.12)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift = 1.2 * 2 / 8  # affine_grid's picture spans 2, the scan's 8 pixels
    rows = (torch.stack([cosine, -sine, uniform(shift)], -1), torch.stack([sine, cosine, uniform(shift)], -1))
    grid = functional.affine_grid(torch.stack(rows, 1), list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels + 1, grid, align_corners=False)  # +1: the border is black, and black is -1
    return moved - 1


def train(model: ViTForImageClassification, pixels: torch.Tensor, labels: torch.Tensor) -> None:
    """AdamW under one cycle of the learning rate; the images differ in every epoch."""
    generator = torch.Generator().manual_seed(SEED)
    steps = math.ceil(len(pixels) / BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_LEARNING_RATE, epochs=EPOCHS, steps_per_epoch=steps, pct_start=0.1
    )
    model.train()
    for epoch in range(EPOCHS):
        total = 0.0
        for batch in torch.randperm(len(pixels), generator=generator).split(BATCH):
            logits = model(augmented(pixels[batch], generator)).logits
            loss = functional.cross_entropy(logits, labels[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1}/{EPOCHS}: loss {total / len(pixels):.4f}", flush=True)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_images(held_out: Digits, model: ViTForImageClassification, pixels: torch.Tensor, folder: Path) -> None:
    """One held-out image of each digit: the first that the model reads rightly."""
    folder.mkdir(exist_ok=True)
    with torch.inference_mode():
        read = model(pixels).logits.argmax(-1).tolist()
    labels = {}
    for digit, word in enumerate(WORDS):
        chosen = next(i for i, label in enumerate(held_out.labels) if label == digit and read[i] == digit)
        name = f"{digit}-{word}.png"
        held_out.images[chosen].save(folder / name, optimize=True)
        labels[name] = word
    write_json(folder / "labels.json", labels)


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "config.json", CONFIG)
    write_json(out / "preprocessor_config.json", PROCESSOR)
    training, held_out = split()
    torch.manual_seed(SEED)
    model = ViTForImageClassification(ViTConfig.from_pretrained(out))
    train(model, pixel_values(training.images, out), torch.tensor(training.labels))
    held_pixels, held_labels = pixel_values(held_out.images, out), torch.tensor(held_out.labels)
    share = accuracy(model, held_pixels, held_labels)
    model.save_pretrained(out)  # restores the checkpoint's plain names; transformers 5 has others in memory
    (out / "model.safetensors").chmod(0o644)  # safetensors writes 0600, and the wheel keeps what it finds
    write_json(out / "config.json", CONFIG)  # as it is here, without the version of the library that trained it
    write_hashes(out)
    write_images(held_out, model, held_pixels, out / "images")
    count, total = sum(p.numel() for p in model.parameters()), len(held_out.labels)
    card = CARD.format(parameters=count, correct=round(share * total), total=total, accuracy=share)
    (out / "README.md").write_text(card, encoding="utf-8")
    print(f"held-out accuracy {share:.4f} ({round(share * total)} of {total}), {count} parameters, in {out}")


def write_hashes(folder: Path) -> None:
    """The hashes beside the folder, in the form of `sha256sum`."""
    files = ("config.json", "model.safetensors", "preprocessor_config.json")
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {folder.name}/{name}\n" for name in files]
    folder.with_name(f"{folder.name}.sha256").write_text("".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ASSET)
