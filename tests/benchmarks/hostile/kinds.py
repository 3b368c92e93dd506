"""The odd and hostile inputs by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

from tests.benchmarks.hostile import (
    adapters,
    audits,
    companions,
    crowds,
    disks,
    evidence,
    files,
    hubs,
    inputs,
    interpreters,
    machines,
    media,
    models,
    newer,
    options,
    own_code,
    portals,
    sweeps,
    weights,
)
from tests.benchmarks.hostile.running import BUILTIN, CPU, Input
from tests.benchmarks.kills import run_in_child, variables
from tests.hub.odd_server import serving

Generator = Callable[[Random], Iterator[Input]]


@contextmanager
def kinds(home: Path, share: float = 1.0) -> Iterator[dict[str, Generator]]:
    """The generators of inputs by the name of their kind; `share` of what is drawn, all of what is listed."""
    saved = _saved(home)
    tiny = models.Models(home / "models")
    with serving(hubs.answer) as hub, serving(portals.answer) as portal:
        yield {
            "configurations": partial(models.configurations, tiny, share),
            "tokenizers and processors": partial(models.processors, tiny, share),
            "weights and indexes": partial(weights.weights, tiny, share),
            "own code": partial(own_code.own_code, tiny),
            "sound models": partial(models.sound_models, tiny),
            "inputs": partial(inputs.inputs, tiny),
            "summaries": partial(evidence.summaries, saved, share),
            "saved outputs": partial(evidence.saved_outputs, saved, share),
            "registries": partial(evidence.registries, saved, share),
            "hubs": partial(hubs.hubs, hub.url, share),
            "options": options.options,
            "lists of sweeps": partial(sweeps.lists, saved, share),
            "options of sweeps": partial(sweeps.options, saved),
            "states of sweeps": partial(sweeps.states, saved, share),
            "audits": partial(audits.audits, saved, share),
            "adapters": partial(adapters.adapters, share),
            "modes, generation, bundles": partial(newer.newer, tiny, saved, share),
            "companions": partial(companions.companions, tiny),
            "shards": partial(companions.shards, tiny),
            "pictures, sounds and texts": partial(media.media, tiny),
            "portals": partial(portals.portals, portal.url),
            "much of everything": partial(crowds.crowds, tiny, saved),
            "disks without room": partial(disks.disks, saved),
            "switches": interpreters.switches,
            "states of a process": interpreters.states,
            "files that change": partial(interpreters.moving, saved),
            "files that are none": partial(files.no_files, saved),
            "locks that are held": partial(files.held_locks, saved),
            "logs folders": partial(files.logs_folders, saved),
            **machines.kinds(saved, share),
        }


def _saved(home: Path) -> Path:
    """A folder with what commands write: `logs`, `outputs` of a comparison, `registry`, `environment.json`."""
    saved = home / "saved"
    saved.mkdir(parents=True)
    logs = ("--logs", str(saved / "logs"))
    for command in (
        ("compare", BUILTIN, *CPU, *logs, "--save-outputs", str(saved / "outputs"), "--samples", "2"),
        ("env", "--logs", str(home / "other-logs"), "--save", str(saved / "environment.json"), "--quiet"),
    ):
        with variables({"NPU_ADAPT_CACHE": str(saved / "registry")}):
            code = run_in_child(command)
        assert code == 0, (command, code)
    return saved
