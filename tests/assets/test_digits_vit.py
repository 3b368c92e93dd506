"""The model that the package carries: small, whole, and as good as its card says, on images it was never trained on."""

import json
import re
from importlib import resources
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from tests import train_digits_vit  # noqa: E402  # needs torch

ASSET = Path(str(resources.files("npu_adapt"))) / "assets" / "digits-vit"


@pytest.fixture(scope="module")
def loaded():
    from transformers import AutoModelForImageClassification

    model, info = AutoModelForImageClassification.from_pretrained(ASSET, output_loading_info=True)
    return model.eval(), info


def test_every_parameter_comes_from_the_file(loaded):
    _, info = loaded
    found = {key: list(info[key]) for key in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    assert found == {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": []}


def test_held_out_accuracy_is_what_the_card_says_and_at_least_97_percent(loaded):
    model, _ = loaded
    training, held_out = train_digits_vit.split()
    assert (len(training.images), len(held_out.images)) == (1437, 360)
    share = train_digits_vit.accuracy(
        model, train_digits_vit.pixel_values(held_out.images, ASSET), torch.tensor(held_out.labels)
    )
    assert share >= 0.97
    card = re.search(r"Held-out accuracy: (\d+) of (\d+) images", (ASSET / "README.md").read_text(encoding="utf-8"))
    assert card is not None
    assert (round(share * 360), 360) == (int(card[1]), int(card[2]))


def test_shipped_images_are_held_out_ones_and_read_rightly(loaded):
    from PIL import Image

    model, _ = loaded
    labels = json.loads((ASSET / "images" / "labels.json").read_text(encoding="utf-8"))
    images = [Image.open(ASSET / "images" / name).convert("RGB") for name in labels]
    assert sorted(labels) == sorted(path.name for path in (ASSET / "images").glob("*.png"))
    assert len(set(labels.values())) == 10

    training, held_out = train_digits_vit.split()
    held, trained = ({image.tobytes() for image in part.images} for part in (held_out, training))
    assert {image.tobytes() for image in images} <= held - trained

    with torch.inference_mode():
        read = model(train_digits_vit.pixel_values(images, ASSET)).logits.argmax(-1).tolist()
    assert [model.config.id2label[index] for index in read] == list(labels.values())


def test_the_whole_asset_is_at_most_1_megabyte_and_readable_by_everyone():
    files = [path for path in ASSET.rglob("*") if path.is_file()]
    assert {"config.json", "model.safetensors", "preprocessor_config.json", "README.md"} <= {p.name for p in files}
    assert sum(path.stat().st_size for path in files) <= 1_000_000
    assert [path.name for path in files if not path.stat().st_mode & 0o004] == []


def test_names_in_the_file_are_those_of_transformers_4():
    from safetensors import safe_open

    with safe_open(ASSET / "model.safetensors", "pt") as weights:
        names = set(weights.keys())
    layer = "vit.encoder.layer.3"
    assert f"{layer}.attention.attention.query.weight" in names
    assert f"{layer}.output.dense.bias" in names
    assert {name for name in names if "pooler" in name} == set()
