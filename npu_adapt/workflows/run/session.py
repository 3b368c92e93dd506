"""What `infer`, `bench` and `compare` share: from the request to a loaded model on an opened device, with evidence.

Checks run in the order of the contract: usage, then the device, then the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from npu_adapt.devices.names import parse_device_name
from npu_adapt.errors import EvidenceNotWritten, ModelError, RunFailed, UsageError
from npu_adapt.evidence import Logs
from npu_adapt.models.adapters.name import AdapterName, require_model
from npu_adapt.progress import Progress, doing
from npu_adapt.records import Summary
from npu_adapt.workflows.run.command_line import reproducing
from npu_adapt.workflows.run.facts import note, reason
from npu_adapt.workflows.run.opening import (
    choose_model,
    hand_over,
    open_or_record,
    opening_summary,
    require_inputs,
    require_options,
)
from npu_adapt.workflows.run.recording import Recording
from npu_adapt.workflows.run.request import RunRequest
from npu_adapt.workflows.run.room import within_limit

if TYPE_CHECKING:
    import torch

    from npu_adapt.models.loading import LoadedModel
    from npu_adapt.models.tasks import Sample
    from npu_adapt.workflows.run.subject import Subject


@dataclass
class Session(Recording):
    """A run whose device is open and whose subject is loaded."""

    subject: Subject

    @property
    def loaded(self) -> LoadedModel:
        return self.subject.loaded

    @property
    def samples(self) -> tuple[Sample, ...]:
        return self.subject.samples

    def so_far(self, **sections: Any) -> Summary:
        """What would be published now. Waits for the hashes of the weights."""
        with self.progress.task(doing("hashing-weights")):
            return super().so_far(weights=self.subject.weights(), **sections)

    def known_now(self) -> Summary:
        weights = self.subject.weights_if_hashed()
        if weights is not None or self.summary.weights is None:
            return replace(self.summary, weights=weights)
        return replace(self.summary, weights=None, reasons={**self.summary.reasons, "weights": reason("not-hashed")})

    def settle(self) -> None:
        """Waits for what still runs in the background, which would be measured with whatever is measured next."""
        with self.progress.task(doing("hashing-weights")):
            self.subject.weights()

    def examine_with_noise(self, subject: Subject) -> None:
        """From now on `subject`, whose forward draws its random numbers from a seed that is an input of each sample."""
        self.subject = subject
        self.record(inputs=tuple(info for sample in self.samples for info in sample.inputs))
        self.note(note("noise-given", seed=self.request.seed))

    def module_on_device(self) -> torch.nn.Module:
        """A copy of the device's module on the device, made tensor by tensor: no second copy on the CPU in between.

        Where the device is the CPU, it has the loaded module's own weights. Quantised weights go there as they are
        stored, and are dequantised there.
        """
        from npu_adapt.devices.transfer import copy_to

        loaded = self.loaded
        with self.stage("transfer", doing("moving-model", device=self.device.name)):
            if loaded.quantised is not None:
                module = loaded.quantised.on(self.device.torch_device)
            else:
                module = copy_to(
                    self.subject.candidate or loaded.module, self.device.torch_device, loaded.dtype, shared=True
                )
            self.device.synchronize()
        return module


@contextmanager
def prepared(
    request: RunRequest, progress: Progress, *, allow_cpu: bool, given: Subject | None = None
) -> Iterator[Session]:
    """A session whose device is open and whose subject is loaded: the request's model, or `given` as it is.

    Raises the errors of the contract, in its order: `UsageError`, `DeviceUnavailable`, `ModelError`. A `RunFailed` that
    leaves the context has been recorded.
    """
    logs = Logs(request.logs)
    logs.require_writable()
    require_inputs(request.inputs)
    parse_device_name(request.device)
    adapter = None
    if given is None:
        model, chosen = choose_model(request.model, logs)
        adapter = require_model(model)
        require_options(request, adapter)
    else:
        if request.max_memory is not None:
            raise UsageError(
                "--max-memory means nothing for a module that is in memory already",
                hint="leave it out, or name a checkpoint",
            )
        model = given.loaded.info.id
        chosen = {"model": model, "model_why": "given"}
    with logs.start(request.command, model) as journal, ExitStack() as lasting:
        hand_over(journal)
        journal.event("run", "start", command=request.command_line)
        device, why_device = open_or_record(request, journal, allow_cpu=allow_cpu)
        name = f"rehearsed:{request.rehearse}" if request.rehearse else device.name
        about = {**why_device.values, **chosen, "device": name, "device_why": why_device.id}
        progress.say(doing("chosen", **about))
        journal.about(model=model, device=name, rehearsed=request.rehearse)
        journal.event(
            "run", "device", "info", device=name, name=device.display_name, why=why_device.id, **why_device.values
        )
        run = Recording(request, journal, progress, device, opening_summary(request, device, name), lasting=lasting)
        try:
            run = session = _with_subject(run, adapter or model, given)
            yield session
        except RunFailed as error:
            told = within_limit(error, request)
            _record_failure(run, told)
            raise told from error.__cause__
        except UsageError:
            journal.discard()
            raise
        except ModelError:
            journal.publish_failure()
            raise


def _with_subject(run: Recording, model: str | AdapterName, given: Subject | None) -> Session:
    from npu_adapt.workflows.run.adapter import subject_of_adapter
    from npu_adapt.workflows.run.subject import record_subject, subject_of_checkpoint

    with run.stage("load", doing("loading", model=str(model))):
        if given is not None:
            subject = given
        elif isinstance(model, AdapterName):
            subject = subject_of_adapter(run, model)
        else:
            subject = subject_of_checkpoint(run, model)
        record_subject(run, subject)
    if given is None:
        run.summary = reproducing(run.summary, run.request)
    return Session(run.request, run.journal, run.progress, run.device, run.summary, subject, lasting=run.lasting)


def _record_failure(run: Recording, error: RunFailed) -> None:
    """The failure is what the user is told, also where the disk has no room for its record."""
    try:
        run.fail(error)
    except EvidenceNotWritten as unwritten:
        run.progress.say(doing("unwritten", message=unwritten.sentence, hint=unwritten.advice))
