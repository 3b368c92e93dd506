"""What `infer`, `bench` and `compare` share: from the request to a loaded model on an opened device, with evidence.

Checks run in the order of the contract: usage, then the device, then the model. From the moment the device is open the
run has a folder in the history whose `summary.json` says FAILED at the stage it is in. It is replaced when the run
ends, so that a killed process leaves a true record.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from npu_adapt.devices.names import parse_device_name
from npu_adapt.errors import ModelError, NpuAdaptError, RunFailed, UsageError
from npu_adapt.evidence import Journal, Logs, as_facts, new_summary, write_atomically
from npu_adapt.models.local import LocalModel, require_model_name
from npu_adapt.models.request import ModelRequest
from npu_adapt.progress import Progress
from npu_adapt.records import Fact, Failure, Run, Summary, WeightFile, WeightsInfo, encode
from npu_adapt.report.phrases.facts import words
from npu_adapt.workflows.processes.deadline import HANDOVER_VARIABLE
from npu_adapt.workflows.run.request import RunRequest

if TYPE_CHECKING:
    import torch

    from npu_adapt.devices.device import Device
    from npu_adapt.models.loading import LoadedModel
    from npu_adapt.models.tasks import Sample

DEFAULT_MODEL = "builtin:digits-vit"


@dataclass
class Session:
    """One run: what it runs on, what it runs, and what it has recorded so far."""

    request: RunRequest
    journal: Journal
    progress: Progress
    device: Device
    summary: Summary
    local: LocalModel = field(init=False)
    loaded: LoadedModel = field(init=False)
    samples: tuple[Sample, ...] = field(init=False)
    load_ms: float = field(init=False, default=0.0)
    _hashing: Future[tuple[WeightFile, ...]] = field(init=False)

    @contextmanager
    def stage(self, name: str, doing: str, *, fallbacks: bool = True) -> Iterator[None]:
        """One stage of the run: logged, shown, and named in the failure should the device give up in it.

        Noting all `fallbacks` makes each one slow, which must not be timed.
        Raises `RunFailed` for what the device's backend says in its own exceptions.
        """
        self._draft(Failure(stage=name, kind="ended-early", message="the process ended in this stage"))
        self.journal.event("run", name, state="begin")
        started = time.perf_counter()
        with self.progress.task(doing):
            try:
                with self.device.recording_fallbacks(every=fallbacks):
                    yield
            except Exception as error:
                failure = error if isinstance(error, RunFailed) else self.device.classify(error, name)
                if failure is None:
                    raise
                raise failure from error
        self.journal.event("run", name, state="end", ms=round(1e3 * (time.perf_counter() - started), 3))

    def record(self, **run_fields: Any) -> None:
        """Fills fields of `run`."""
        assert self.summary.run is not None
        run = msgspec.structs.replace(self.summary.run, **run_fields)
        self.summary = msgspec.structs.replace(self.summary, run=run)

    def explain(self, reasons: Mapping[str, Fact | str]) -> None:
        """Says why fields are null: dotted path to reason."""
        known = {**self.summary.reasons, **as_facts(reasons)}
        self.summary = msgspec.structs.replace(self.summary, reasons=known)

    def publish(self, **sections: Any) -> Summary:
        """Ends the run: waits for the hashes of the weights, and writes the summary and the logs."""
        if self.summary.run is not None and self.summary.run.cpu_fallbacks is not None:
            self.record(cpu_fallbacks=self.device.cpu_fallbacks())  # of every stage, also those after the forwards
        summary = self.so_far(**sections)
        run = summary.run
        assert run is not None
        self.journal.event("run", "ended", status=run.status, device=run.device, dtype=run.dtype)
        return self.journal.publish(summary)

    def so_far(self, **sections: Any) -> Summary:
        """What would be published now. Waits for the hashes of the weights."""
        return msgspec.structs.replace(self.summary, weights=self._weights(), **sections)

    def settle(self) -> None:
        """Waits for what still runs in the background, which would be measured with whatever is measured next."""
        with self.progress.task("hashing the weights"):
            self._hashing.result()

    def fail(self, error: RunFailed) -> Summary:
        """Ends a failed run: the record says FAILED, where and why, and the command's own section says so too."""
        failure = Failure(stage=error.stage, kind=error.kind, message=error.message, operator=error.operator)
        self.record(status="FAILED", failure=failure)
        self.journal.event("run", "failed", "error", **failure_fields(error))
        if self.request.command != "infer":
            self.explain({self.request.command: f"failed in the stage {error.stage!r}: {error.message}"})
        return self.publish()

    def module_on_device(self, dtype: torch.dtype | None = None) -> torch.nn.Module:
        """A copy of the model on the device, made tensor by tensor: no second copy on the CPU in between."""
        from npu_adapt.devices.transfer import copy_to

        with self.stage("transfer", f"moving the model to {self.device.name}"):
            module = copy_to(self.loaded.module, self.device.torch_device, dtype or self.loaded.dtype)
            self.device.synchronize()
        return module

    def _weights(self) -> WeightsInfo | None:
        weights = self.summary.weights
        if weights is None:
            return None
        with self.progress.task("hashing the weights"):
            files = self._hashing.result()
        return msgspec.structs.replace(weights, files=files)

    def _draft(self, failure: Failure) -> None:
        self.record(status="FAILED", failure=failure)
        write_atomically(self.journal.folder / "summary.json", encode(self.summary))


@contextmanager
def prepared(request: RunRequest, progress: Progress, *, allow_cpu: bool) -> Iterator[Session]:
    """A session whose model is loaded and whose device is open.

    Raises the errors of the contract, in its order: `UsageError`, `DeviceUnavailable`, `ModelError`. A `RunFailed` that
    leaves the context has been recorded.
    """
    logs = Logs(request.logs)
    logs.require_writable()
    _require_inputs(request.inputs)
    parse_device_name(request.device)
    model, why_model = _choose_model(request.model, logs)
    require_model_name(model)
    with logs.start(request.command, model) as journal:
        _hand_over(journal)
        journal.event("run", "start", command=request.command_line)
        device, why_device = _open_or_record(request, journal, allow_cpu=allow_cpu)
        why = words("why", why_device, "en")
        name = f"rehearsed:{request.rehearse}" if request.rehearse else device.name
        progress.say(f"model {model} ({why_model}), device {name} ({why})")
        journal.event(
            "run", "device", "info", device=name, name=device.display_name, why=why_device.id, **why_device.values
        )
        session = Session(request, journal, progress, device, _opening_summary(request, device, name))
        try:
            with session.stage("load", f"loading {model}"):
                _load(session, model)
            yield session
        except RunFailed as error:
            session.fail(error)
            raise
        except UsageError:
            journal.discard()
            raise
        except ModelError:
            journal.publish_failure()
            raise


def _choose_model(asked: str | None, logs: Logs) -> tuple[str, str]:
    """(model, why): the argument, else $NPU_ADAPT_MODEL, else the last summary's, else the built-in one."""
    if asked:
        return asked, "as asked"
    if named := os.environ.get("NPU_ADAPT_MODEL"):
        return named, "from NPU_ADAPT_MODEL"
    last = logs.read_if_ours()
    if last is not None and last.model is not None:
        return last.model.id, f"the model of {logs.summary_path}"
    return DEFAULT_MODEL, "the default"


def _require_inputs(inputs: tuple[str, ...]) -> None:
    if any(not value.strip() for value in inputs):
        raise UsageError("an --input is empty", hint="give a path or a text that is not empty")


def _open_or_record(request: RunRequest, journal: Journal, *, allow_cpu: bool) -> tuple[Device, Fact]:
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
    from npu_adapt.devices.selection import open_device

    if request.rehearse:
        return open_device("cpu", allow_cpu=True).device, Fact("rehearsal", {"arithmetic": request.rehearse})
    selection = open_device(request.device, allow_cpu=allow_cpu)
    if request.hf32 is not None:
        selection.device.pin_hf32(request.hf32)
    if request.dtype != "auto":
        import torch

        selection.device.require_dtype(getattr(torch, request.dtype))
    return selection.device, selection.reason


def failure_fields(error: RunFailed) -> dict[str, str | None]:
    """A failure as fields of a log line."""
    return {"stage": error.stage, "class": error.kind, "operator": error.operator, "message": error.message}


def _summary_without_device(request: RunRequest, error: RunFailed) -> Summary:
    from npu_adapt.devices.environment import environment

    run = Run(
        status="FAILED",
        device=request.device,
        dtype=request.dtype,
        attention=request.attention,
        numerics={},
        threads=0,  # not known yet
        seed=request.seed,
        failure=Failure(stage=error.stage, kind=error.kind, message=error.message, operator=error.operator),
    )
    return new_summary(
        request.command_line,
        commands={request.command: request.command_line},
        environment=environment(None),
        run=run,
        reasons={"model": "the device failed before it was loaded", "weights": "the device failed before"},
    )


def _opening_summary(request: RunRequest, device: Device, name: str) -> Summary:
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
        reasons={"model": "not loaded", "weights": "not loaded"},
    )


def _load(session: Session, model: str) -> None:
    """Finds, proves and loads the model, and prepares its inputs."""
    import torch

    from npu_adapt.models.loading import load_model
    from npu_adapt.workflows.models.fetch import fetch, start_verifying

    request, journal = session.request, session.journal
    torch.manual_seed(request.seed)
    wanted = ModelRequest(
        model=model,
        revision=request.revision,
        source=request.source,
        offline=request.offline,
        weights_roots=request.weights_roots,
        cache_dir=request.cache_dir,
        allow_pickle=request.allow_pickle,
    )
    try:
        local = session.local = fetch(wanted, session.progress)
    except ModelError as error:
        _log_attempts(journal, getattr(error, "attempts", ()))
        journal.event("pretrained", "not-loaded", "error", model=model, message=error.message)
        raise
    _log_attempts(journal, local.attempts)
    session._hashing = start_verifying(local, wanted, session.progress)
    started = time.perf_counter()
    loaded = session.loaded = load_model(
        local,
        task=request.task,
        dtype=request.dtype,
        attention=request.attention,
        trust_remote_code=request.trust_remote_code,
        allow_pickle=request.allow_pickle,
        progress=session.progress,
    )
    session.load_ms = 1e3 * (time.perf_counter() - started)
    session.device.require_dtype(loaded.dtype)
    session.samples = loaded.task.prepare(loaded, request.inputs, request.samples, request.seed)
    _record_model(session)


def _record_model(session: Session) -> None:
    loaded, journal = session.loaded, session.journal
    weights = loaded.weights
    journal.event(
        "pretrained",
        "proven" if weights.pretrained_used else "not-proven",
        path=weights.path,
        parameters=loaded.info.parameters,
        proven_tensors=weights.proven_parameters,
    )
    for event, found in (
        ("conversion", weights.conversions),
        ("left-out", weights.left_out),
        ("doubt", weights.doubts),
    ):
        for fact in found:
            values: dict[str, Any] = {"id": fact.id, **fact.values}
            journal.event("pretrained", event, **values)
    reasons = {path: why for path, why in session.summary.reasons.items() if path not in ("model", "weights")}
    session.summary = msgspec.structs.replace(session.summary, model=loaded.info, weights=weights, reasons=reasons)
    session.record(
        dtype=str(loaded.dtype).removeprefix("torch."),
        attention=loaded.attention,
        inputs=tuple(info for sample in session.samples for info in sample.inputs),
    )


def _log_attempts(journal: Journal, attempts: tuple[Any, ...]) -> None:
    for attempt in attempts:
        values: dict[str, Any] = {"place": attempt.place, "outcome": attempt.id, **attempt.values}
        journal.event("pretrained", "attempt", **values)


def _hand_over(journal: Journal) -> None:
    """Tells a parent process that enforces a deadline where this run keeps its evidence."""
    if link := os.environ.get(HANDOVER_VARIABLE):
        Path(link).symlink_to(journal.folder.resolve(), target_is_directory=True)
