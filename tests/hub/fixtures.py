"""The fixture `hub`: a hub for one test, and an environment that leads a process there with caches of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub.server import HubServer


class TestHub(HubServer):
    """A hub whose readers keep what they get below `home`."""

    __test__ = False

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.huggingface_cache = home / "huggingface" / "hub"
        self.modelscope_cache = home / "modelscope"
        self._settings = {
            "HF_HOME": str(home / "huggingface"),
            "MODELSCOPE_CACHE": str(self.modelscope_cache),
            "MODELSCOPE_HOME": str(home / "modelscope-settings"),
        }

    @property
    def environment(self) -> dict[str, str | None]:
        return {**super().environment, **self._settings}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[TestHub]:
    """An empty hub; `environment` for `cli(…, environment=hub.environment)`."""
    with TestHub(tmp_path / "hub-readers") as server:
        yield server
