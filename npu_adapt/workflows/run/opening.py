"""The beginning of a run: which model, which device, and the record of a run that has not come further."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from npu_adapt.errors import NpuAdaptError, RunFailed, Sentence, UsageError
from npu_adapt.evidence import Journal, Logs, failure_of, new_summary
from npu_adapt.models.adapters.name import AdapterName
from npu_adapt.records import Fact, Run, Summary, Value
from npu_adapt.threads import require_threads
from npu_adapt.workflows.processes.deadline import HANDOVER_VARIABLE
from npu_adapt.workflows.run.facts import reason
from npu_adapt.workflows.run.recording import failure_fields
from npu_adapt.workflows.run.request import RunRequest

if TYPE_CHECKING:
    from npu_adapt.devices.device import Device

DEFAULT_MODEL = "builtin:digits-vit"


def choose_model(asked: str | None, logs: Logs) -> tuple[str, dict[str, Value]]:
    """The model, and why as values of a fact: the argument, the variable, the last summary's, the built-in one."""
    if asked:
        return asked, {"model": asked, "model_why": "asked"}
    if named := os.environ.get("NPU_ADAPT_MODEL"):
        return named, {"model": named, "model_why": "variable"}
    last = logs.read_if_ours()
    if last is not None and last.model is not None:
        if last.model.adapter is not None:
            raise UsageError(
                Sentence(
                    "the last model is the adapter {file}, and an adapter runs only where it is named",
                    file=last.model.adapter.path,
                ),
                hint="name it again as MODEL, with its --weights",
            )
        return last.model.id, {"model": last.model.id, "model_why": "summary", "summary": str(logs.summary_path)}
    return DEFAULT_MODEL, {"model": DEFAULT_MODEL, "model_why": "default"}


def require_options(request: RunRequest, adapter: AdapterName | None) -> None:
    """Raises `UsageError` for options that mean nothing for an adapter, or only for one."""
    if adapter is None:
        if request.weights is not None:
            raise UsageError("--weights belongs to an adapter", hint="name an adapter, FILE.py, as MODEL")
        return
    if request.weights is not None and not request.weights.exists():
        raise UsageError(
            Sentence("--weights {path} is not there", path=request.weights),
            hint="name a file of weights, or a folder that holds them",
        )
    settings = {"--task": request.task, "--revision": request.revision}
    settings["--max-memory"] = request.max_memory
    if request.attention != "auto":
        settings["--attention"] = request.attention
    for option, value in settings.items():
        if value is not None:
            raise UsageError(
                Sentence("{option} means nothing for an adapter", option=option),
                hint=Sentence("{file} decides it; leave the option out", file=adapter.id),
            )


def require_inputs(inputs: tuple[str, ...]) -> None:
    """Raises `UsageError` for an empty one."""
    if any(not value.strip() for value in inputs):
        raise UsageError("an --input is empty", hint="give a path or a text that is not empty")


def open_or_record(request: RunRequest, journal: Journal, *, allow_cpu: bool) -> tuple[Device, Fact]:
    """The device and why it is this one. A device that is there and fails leaves a record; one that is not, none."""
    try:
        return _open_device(request, allow_cpu=allow_cpu)
    except RunFailed as error:
        journal.event("run", "failed", "error", **failure_fields(error))
        journal.publish(_summary_without_device(request, error))
        raise
    except NpuAdaptError:
        journal.discard()
        raise


def _open_device(request: RunRequest, *, allow_cpu: bool) -> tuple[Device, Fact]:
    from npu_adapt.devices.importing import import_torch
    from npu_adapt.devices.selection import open_device

    require_threads(import_torch().get_num_threads() - 1)
    if request.rehearse:
        return open_device("cpu", allow_cpu=True).device, Fact("rehearsal", {"arithmetic": request.rehearse})
    selection = open_device(request.device, allow_cpu=allow_cpu)
    if request.hf32 is not None:
        selection.device.pin_hf32(request.hf32)
    if request.dtype != "auto":
        import torch

        selection.device.require_dtype(getattr(torch, request.dtype))
    return selection.device, selection.reason


def _summary_without_device(request: RunRequest, error: RunFailed) -> Summary:
    from npu_adapt.devices.environment import environment

    run = Run(
        status="FAILED",
        device=request.device,
        dtype=request.dtype,
        attention=request.attention,
        numerics={},
        threads=0,
        seed=request.seed,
        failure=failure_of(error),
    )
    return new_summary(
        request.command_line,
        commands={request.command: request.command_line},
        environment=environment(None),
        run=run,
        reasons=dict.fromkeys(("model", "weights"), reason("device-failed-before")),
    )


def opening_summary(request: RunRequest, device: Device, name: str) -> Summary:
    """The record of a run whose device is open; `name` is what the record calls the device."""
    import torch

    from npu_adapt.devices.environment import environment

    run = Run(
        status="FAILED",
        device=name,
        dtype=request.dtype,
        attention=request.attention,
        numerics=device.numerics(),
        threads=torch.get_num_threads(),
        seed=request.seed,
    )
    return new_summary(
        request.command_line,
        commands={request.command: request.command_line},
        environment=environment(device),
        run=run,
        reasons=dict.fromkeys(("model", "weights"), reason("not-loaded")),
    )


def hand_over(journal: Journal) -> None:
    """Tells a parent process that enforces a deadline where this run keeps its evidence."""
    if link := os.environ.get(HANDOVER_VARIABLE):
        Path(link).symlink_to(journal.folder.resolve(), target_is_directory=True)
