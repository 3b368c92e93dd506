"""Models on disk for the tests of loading: the built-in one, and tiny ones made from their configuration classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from npu_adapt.models.loading import load_model
from npu_adapt.models.tasks import LoadedModel
from npu_adapt.progress import Silent
from npu_adapt.records import WeightFile

DIGITS = Path(__file__).resolve().parents[2] / "npu_adapt" / "assets" / "digits-vit"


@dataclass(frozen=True)
class OnDisk:
    """The part of a located model that loading reads."""

    path: Path
    id: str = "directory"
    organization: str | None = None
    source: str = "directory"
    revision: str | None = None
    url: str | None = None
    endpoint: str | None = None
    weight_files: tuple[WeightFile, ...] = ()


Load = Callable[..., LoadedModel]


@pytest.fixture
def load() -> Load:
    """`load(path, task=None, **options)` without a hub."""

    def load(path: Path, task: str | None = None, **options: object) -> LoadedModel:
        chosen = {"trust_remote_code": False, "allow_pickle": False} | options
        return load_model(OnDisk(path), task=task, progress=Silent(), **chosen)

    return load


@pytest.fixture
def digits() -> Path:
    return DIGITS
