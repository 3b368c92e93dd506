"""What a result holds for: with other weights, options, versions or another device a model is run again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from npu_adapt.devices.doctor.examination import Examination
from npu_adapt.devices.doctor.machine import read_machine
from npu_adapt.devices.environment import environment_of
from npu_adapt.errors import NpuAdaptError
from npu_adapt.evidence.tool import this_tool
from npu_adapt.files import is_file, is_folder
from npu_adapt.models.adapters.name import adapter_named
from npu_adapt.models.local import locate
from npu_adapt.models.registry import Registry, cache_folder
from npu_adapt.models.request import ModelRequest
from npu_adapt.records import Fact
from npu_adapt.records.sweep import Identity
from npu_adapt.workflows.sweep.plan import Job

STACK = ("python", "torch", "torch_npu", "transformers", "cann", "driver", "firmware")


def versions_here() -> dict[str, str]:
    """The software that decides what a model shows on this machine. Imports none of it."""
    environment = environment_of(Examination(read_machine()))
    stack = {name: value for name in STACK if (value := getattr(environment, name)) is not None}
    tool = this_tool()
    return {tool.name: f"{tool.version} {tool.source or ''}".strip(), **stack, **environment.packages}


def model_request(job: Job) -> ModelRequest | None:
    """Which model the job's commands mean; None: they mean none that is looked for."""
    requests: list[Mapping[str, Any]] = [
        call.parameters["request"] for call in job.calls if "request" in call.parameters
    ]
    if not requests:
        return None
    asked = requests[0]
    cache = asked.get("cache_dir")
    return ModelRequest(
        model=job.model,
        revision=asked.get("revision"),
        source=asked.get("source", "auto"),
        offline=asked.get("offline", False),
        weights_roots=tuple(map(Path, asked.get("weights_roots", ()))),
        cache_dir=None if cache is None else Path(cache),
        allow_pickle=True,  # to be looked at, not to be read
    )


def weights_here(job: Job) -> dict[str, str]:
    """Size and time of change of each file of the model on this disk; empty where it is not here."""
    request = model_request(job)
    if request is None:
        return {}
    folder = Path(job.model)
    names: tuple[str, ...] = ()
    with suppress(NpuAdaptError):
        if (adapter := adapter_named(job.model)) is not None:
            folder = adapter.file
        else:
            local = locate(request, Registry(cache_folder(request.cache_dir)))
            folder, names = local.path, local.files
    found = [folder / name for name in names] or _files_at(folder)
    found += [file for path in _weights_of_adapter(job) for file in _files_at(path)]
    states = {}
    with suppress(OSError):
        for file in found:
            state = file.stat()
            states[file.name] = f"{state.st_size}:{state.st_mtime_ns}"
    return states


def _weights_of_adapter(job: Job) -> set[Path]:
    """What the job's commands name as --weights."""
    named = (call.parameters.get("request", {}).get("weights") for call in job.calls)
    return {Path(job.cwd) / each for each in named if each is not None}


def _files_at(path: Path) -> list[Path]:
    """The files of a folder that no model could be made of, or the file itself."""
    with suppress(OSError, ValueError):
        if is_folder(path):
            return sorted(file for file in path.iterdir() if file.is_file())
        return [path] if is_file(path) else []
    return []


def changes(before: Identity, now: Identity) -> Fact | None:
    """What of a result's identity is another one; None: nothing. Weights that are not here any more are no change."""
    changed: list[str] = []
    if before.options != now.options:
        changed.append("options")
    if before.device != now.device:
        changed.append("device")
    if now.weights and before.weights != now.weights:
        changed.append("weights")
    names = sorted({*before.versions, *now.versions})
    changed += [name for name in names if before.versions.get(name) != now.versions.get(name)]
    return Fact("changed", {"what": tuple(changed)}) if changed else None
