"""kill -9 at any moment of fetch and remove: the registry stays whole, and the next command does what was asked."""

from __future__ import annotations

import os
import random
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from npu_adapt.models.registry import Registry
from npu_adapt.models.request import ModelRequest
from npu_adapt.progress import Silent
from npu_adapt.workflows.models.fetch import fetch_and_register
from npu_adapt.workflows.models.registry import entries_of, plan_removals, remove_models
from tests.hub.faults import Fault
from tests.hub.reader import HubWithReader, differing

MODEL = "an-org/digits.vit"
WEIGHTS = "model.safetensors"
MOMENTS = 10  # of each command
LONGEST = 0.5  # seconds from the start of a command to its last moment here
SOURCES = ("huggingface", "modelscope")


def fetching(request: ModelRequest) -> None:
    fetch_and_register(request, Silent())


def removing(request: ModelRequest) -> None:
    assert request.cache_dir is not None
    registry = Registry(request.cache_dir)
    remove_models(plan_removals(entries_of(request, registry)), registry)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the hub's threads are nobody the child needs
@pytest.mark.parametrize("source", SOURCES)
def test_killed_at_random_moments(
    source: str, hub: HubWithReader, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in hub.settings.items():
        monkeypatch.setenv(name, value)
    hub.serve(MODEL, small_model)
    request = ModelRequest(MODEL, source=source, cache_dir=hub.registry)  # type: ignore[arg-type]
    chosen = random.Random(7)
    fork = get_context("fork")  # imports are done: the moments fall into the work
    for moment in range(2 * MOMENTS):
        work = removing if moment % 2 else fetching
        if work is removing:
            fetching(request)
        hub.inject(Fault(bytes_per_second=2_000_000))
        child = fork.Process(target=work, args=(request,))
        child.start()
        time.sleep(chosen.random() * (LONGEST if work is fetching else 0.05))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        hub.heal()
        said: list[str] = []
        registry = Registry(hub.registry, said.append)
        for entry in registry.entries():
            assert entry.model == MODEL
        assert said == [], "the registry is whole"
    fetching(request)
    (entry,) = Registry(hub.registry).entries()
    assert differing(hub, MODEL, ("config.json", WEIGHTS), Path(entry.path)) == []
    assert hub.partial_files() == []
    removing(request)
    assert Registry(hub.registry).entries() == ()
    assert not list(hub.caches[source].rglob(WEIGHTS))
