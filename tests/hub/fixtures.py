"""The fixture `hub`: a hub for one test with a reader of its own, and a model to serve."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from tests.hub.reader import HubWithReader


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubWithReader]:
    """An empty hub; `environment` for `cli(…, environment=hub.environment)`, `hub.npu_adapt(…)` for short."""
    with HubWithReader(tmp_path / "reader") as server:
        yield server


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of a real model of 600 kB: `config.json`, `preprocessor_config.json` and `model.safetensors`."""
    folder = tmp_path_factory.mktemp("small-model")
    source = Path(str(resources.files("npu_adapt"))) / "assets" / "digits-vit"
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        shutil.copy(source / name, folder / name)
    return folder
